"""Where statements begin and end, as far as a single line shows it."""

import re
from functools import cache

from copilotd.syntax.languages import DASH_COMMENTS, END_WORDS, HASH_COMMENTS, STRICTLY_INDENTED

CONFIGURATION = frozenset(
    "conf dockerfile dotenv gomod hcl ignore ini json jsonc properties toml yaml".split()
)
"""Lists of settings: the next entry cannot be guessed from the one before."""

SECTIONED = frozenset({"conf", "ini", "properties", "toml"})
"""Configuration whose entries are in sections, each under a header such as `[section]`."""

_OPENS = re.compile(r"(?:[:{(\[]|=>|->|\b(?:then|do|else|begin))$")
_MODIFIERS = (
    r"(?:(?:export|default|pub(?:\([\w:]+\))?|public|private|protected|internal|static|async|final|"
    r"abstract|sealed|unsafe|inline|constexpr|local|data|open|partial|override)\s+)*"
)
_DEFINES = re.compile(
    rf"\s*{_MODIFIERS}(?:def|defp|class|func|function|fn|fun|interface|struct|enum|impl|trait|"
    r"module|defmodule|namespace|object|sub|record)\b(?!.*[;}]\s*$)"
)
_DEFINES_VALUE = re.compile(r"[^(]*\s=\s")
"""`def twice(x) = x * 2`, `val f = fun(x) …`: the body is on the same line."""
_C_FUNCTION = re.compile(
    r"\s*(?!(?:await|case|delete|else|goto|new|return|throw)\b)"
    r"[A-Za-z_][\w:<>,*&\[\] ]*[*& ][\w:~]+\([^;]*\)\s*(?:const|noexcept|override|throws [\w, ]+)?$"
)
_METHOD = re.compile(
    rf"\s*{_MODIFIERS}(?:get\s+|set\s+|\*\s*)?"
    r"(?!(?:if|for|foreach|while|switch|catch|with|else|return|function|using|lock)\b)"
    r"[\w$#]+\s*(?:<[^>]*>)?\([^;]*\)\s*(?::[^{;]+)?\{$"
)
_C_LIKE = frozenset("c cpp csharp cuda-cpp d java objective-c objective-cpp".split())
_CONTROL = re.compile(
    r"\s*(?:\}\s*)?(?:else\s+)?(?:if|for|foreach|while|switch|using|lock|catch|synchronized)\b.*\)$"
    r"|\s*(?:\}\s*)?(?:else|do|try|finally|loop|unsafe)$"
)
_WORD_HEADER = re.compile(
    r"\s*(?:local\s+)?(?:if|unless|while|until|for|case|begin|class|def|defp|defmodule|function|let|"
    r"macro|module|quote|struct|mutable struct|switch|try)\b"
    r"|.*\b(?:do(?:\s*\|[^|]*\|)?|function\s*[\w.:]*\s*\([^)]*\))$"
)
"""Headers of blocks that end with a word."""
_WORD_BRANCH = re.compile(
    r"\s*(?:elif|elsif|elseif|else|when|in|rescue|ensure|catch|finally)\b|.*;;$"
)
_ENDS_WITH_A_WORD = frozenset("crystal elixir fish julia lua luau matlab ruby shellscript".split())
_SHELL_ENDS = {"if": "fi", "case": "esac"}
_DECORATOR = re.compile(
    r"\s*(?:@[\w.]+(?:\s*\(.*\))?|#!?\[[^\]]*\]|\[\[?[A-Z]\w*(?:\(.*\))?\]\]?|template\s*<.*>)$"
)
_SECTION = re.compile(r"\s*\[\[?[^\[\]]+\]?\]$")
_UNFINISHED = re.compile(
    r"(?:[,\\&|^<=~.(\[{:]|(?<!\+)\+|(?<!-)-|(?<!\*)(?<!/)(?<!import )\*|(?<![\w)])%|=>|->|"
    r"(?:^|\s)(?:and|or|not|in|is|as|extends|implements|import|new|await|throw|const|let|var|if|"
    r"elif|while|for|except|case|def|class|func|function|fn|lambda))$"
)
_UNFINISHED_QUERY = re.compile(
    r"\b(?:and|as|by|from|in|insert|into|is|join|like|not|on|or|order|select|set|values|where)$",
    re.I,
)
_RULE = re.compile(r"[^\s#=][^#=]*:(?!=)")
"""The rule of a makefile, whose recipe comes on the next lines."""
_KEY = re.compile(r"\s*(?:- )*(?:[\w.-]+|\"[^\"]*\"|'[^']*'):$")


def opens_body(line: str, language: str) -> bool:
    """Whether the block of this line, or the definition it belongs to, comes on the next line."""
    code = strip_comment(line, language).rstrip()
    if not code:
        return False
    if _OPENS.search(code) or is_decorator(code) or is_section(code, language):
        return True
    if language in STRICTLY_INDENTED:
        return False
    if language in _ENDS_WITH_A_WORD:
        return opens_word_block(code, language) or bool(_WORD_BRANCH.match(code))
    if language == "makefile":
        return bool(_RULE.match(code))
    if _DEFINES.match(code) and not _DEFINES_VALUE.match(code):
        return True
    if language in _C_LIKE and _C_FUNCTION.match(code):
        return True
    return bool(_CONTROL.match(code))


def opens_word_block(line: str, language: str) -> bool:
    """Whether the line is the header of a block that ends with a word, such as `end`."""
    if language not in _ENDS_WITH_A_WORD:
        return False
    code = strip_comment(line, language).rstrip()
    if language == "elixir":
        return bool(re.search(r"\bdo$|\bfn\b.*->$", code))
    words = "|".join(END_WORDS[language])
    if re.search(rf"\b(?:{words})\W*$", code) or (
        _DEFINES_VALUE.match(code) and code.lstrip()[:3] == "def"
    ):
        return False
    return bool(_WORD_HEADER.match(code))


def closes_word_block(line: str, language: str) -> bool:
    """Whether the line begins with the word that closes a block."""
    word = re.match(r"\s*(\w+)", line)
    return word is not None and word[1] in END_WORDS.get(language, ())


def word_that_closes(header: str, language: str) -> str:
    """The word that closes the block of `header`."""
    if language != "shellscript":
        return "end"
    return _SHELL_ENDS.get(header.split()[0], "done")


def is_unfinished(line: str, language: str) -> bool:
    """Whether the line ends with an operator, a comma or a keyword that something must follow."""
    code = strip_comment(line, language).rstrip()
    if language == "sql" and _UNFINISHED_QUERY.search(code):
        return True
    return bool(_UNFINISHED.search(code))


def is_decorator(line: str) -> bool:
    """Whether the line is only a decorator or an attribute of the definition below it."""
    return bool(_DECORATOR.match(line.rstrip()))


def defines_name(line: str, language: str) -> bool:
    """Whether the line is the header of a function, a class or a type."""
    if language in _C_LIKE and _C_FUNCTION.match(line.rstrip().rstrip("{").rstrip()):
        return True
    return bool(_DEFINES.match(line) or _METHOD.match(line.rstrip()))


def is_section(line: str, language: str) -> bool:
    """Whether the line is the header of a section or a table in configuration."""
    return language in SECTIONED and bool(_SECTION.match(line.rstrip()))


def is_key_without_value(line: str, language: str) -> bool:
    """Whether the line is a key whose value would come on the next line."""
    return language in CONFIGURATION and bool(_KEY.match(line.rstrip()))


def is_comment(line: str, language: str) -> bool:
    """Whether the line has nothing but a comment."""
    return line.strip() != "" and strip_comment(line, language).strip() == ""


def strip_comment(line: str, language: str) -> str:
    """The line without the comment at its end."""
    for mark in _comment_mark(language).finditer(line):
        before = line[: mark.start()]
        if all(before.count(quote) % 2 == 0 for quote in "\"'`"):
            return before.rstrip()
    return line


@cache
def _comment_mark(language: str) -> re.Pattern[str]:
    if language in HASH_COMMENTS:
        semicolon = r"|^\s*;" if language in SECTIONED else ""
        return re.compile(rf"(?:^|(?<=\s))#(?!\[|!){semicolon}")
    if language in DASH_COMMENTS:
        return re.compile("--")
    return re.compile(r"(?<!:)//|/\*(?=(?:(?!\*/).)*(?:\*/\s*)?$)|^\s*\*(?=\s|/|$)|<!--")
