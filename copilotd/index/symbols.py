"""Finds the functions, classes and other symbols that a file defines.

There is one regular expression per language and no parser: a definition is found if its line begins
like a definition in that language. Other forms, such as a function assigned to a name, are not
found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilotd.syntax.language_ids import language_of_path, language_of_shebang

_C_WORDS = r"(?!(?:return|else|if|while|for|switch|case|new|delete|throw|using|typedef)\b)"
_SCRIPT = (
    r"^\s*(?:export\s+)?(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    r"(?P<kind>function\*?|class|interface|type|enum|namespace)\s+(?P<name>[\w$]+)"
    r"|^\s*(?:export\s+)?(?P<kind2>const|let)\s+(?P<name2>[\w$]+)\s*=\s*(?:async\s*)?"
    r"(?:\([^)]*\)|[\w$]+)\s*(?::[^=]+)?=>"
)
_C = (
    r"^\s*(?:template\s*<[^>]*>\s*)?(?:typedef\s+)?"
    r"(?P<kind>class|struct|enum(?:\s+class)?|union|namespace)\s+(?P<name>\w+)[^;]*$"
    rf"|^{_C_WORDS}(?:[\w:*&<>,]+\s+)+[*&]*(?P<name2>[\w:~]+)\s*\([^;]*$"
)
_JVM = (
    r"^\s*(?:(?:public|private|protected|internal|static|final|abstract|sealed|open|data|partial|"
    r"override|async|suspend|inline|readonly|virtual)\s+)*"
    r"(?:(?P<kind>class|interface|enum|record|struct|object|fun|namespace)\s+(?P<name>\w+)"
    rf"|{_C_WORDS}[\w<>\[\],.?]+\s+(?P<name2>\w+)\s*\([^;]*\)[^;]*\{{?\s*$)"
)
_PATTERNS = {
    "python": r"^\s*(?:async\s+)?(?P<kind>def|class)\s+(?P<name>\w+)",
    "javascript": _SCRIPT,
    "go": r"^(?P<kind>func|type)\s+(?:\([^)]*\)\s*)?(?P<name>\w+)",
    "rust": (
        r"^\s*(?:pub(?:\([^)]*\))?\s+)?(?:async\s+|unsafe\s+|const\s+|extern\s+(?:\"\w+\"\s+)?)*"
        r"(?P<kind>fn|struct|enum|trait|union|type|mod|macro_rules!)\s+(?P<name>\w+)"
    ),
    "c": _C,
    "java": _JVM,
    "ruby": r"^\s*(?P<kind>def|class|module)\s+(?P<name>[\w.:?!]+)",
    "php": (
        r"^\s*(?:(?:public|private|protected|static|final|abstract)\s+)*"
        r"(?P<kind>function|class|interface|trait|enum)\s+&?(?P<name>\w+)"
    ),
    "lua": r"^\s*(?:local\s+)?(?P<kind>function)\s+(?P<name>[\w.:]+)",
    "shellscript": r"^\s*(?:(?P<kind>function)\s+(?P<name>[\w-]+)|(?P<name2>[\w-]+)\s*\(\)\s*\{?)",
    "swift": (
        r"^\s*(?:(?:public|private|internal|open|fileprivate|static|final|override|mutating)\s+)*"
        r"(?P<kind>func|class|struct|enum|protocol|extension|actor)\s+(?P<name>\w+)"
    ),
}
_LIKE = {
    "javascript": "javascriptreact typescript typescriptreact vue svelte",
    "c": "cpp cuda-cpp objective-c objective-cpp",
    "java": "kotlin csharp scala groovy",
    "python": "cython starlark",
}
_BY_LANGUAGE = {
    language: re.compile(pattern)
    for name, pattern in _PATTERNS.items()
    for language in (name, *_LIKE.get(name, "").split())
}

_MAX_LINE_LENGTH = 500
"""In characters. A longer line was written by a program, not by a person."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. `line` counts from 0; `text` is the line without the spaces around it."""

    name: str
    kind: str
    line: int
    text: str


def find_symbols(path: Path, text: str) -> Iterator[Symbol]:
    """The definitions in the file `path` with this text; none if its language is unknown."""
    language = language_of_path(path.name) or language_of_shebang(text)
    pattern = _BY_LANGUAGE.get(language)
    if pattern is None:
        return
    for number, line in enumerate(text.split("\n")):
        match = pattern.search(line) if len(line) <= _MAX_LINE_LENGTH else None
        if match is not None:
            groups = match.groupdict()
            name = groups["name"] or groups.get("name2") or ""
            kind = groups.get("kind") or groups.get("kind2") or "function"
            yield Symbol(name, kind, number, line.strip())
