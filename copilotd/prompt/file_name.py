"""The name of a file in front of its text, for files that do not show their language themselves.

With `pack` in a new Go file, a model that does not know the name writes a Java package. The name
costs about ten tokens. A longer file needs no name, and the tokens are better spent on its text.
"""

from copilotd.documents import Document
from copilotd.syntax.language_ids import language_of_path, resolve_language

_MAX_NAMED = 800
"""Characters of the longest file whose name is in the prompt."""
_UNTITLED = "untitled"
_NAMES = {"cmake": "CMakeLists.txt", "dockerfile": "Dockerfile", "makefile": "Makefile"}
_ENDINGS = {
    "csharp": "cs",
    "elixir": "ex",
    "haskell": "hs",
    "hcl": "tf",
    "javascript": "js",
    "javascriptreact": "jsx",
    "julia": "jl",
    "kotlin": "kt",
    "latex": "tex",
    "markdown": "md",
    "objective-c": "m",
    "ocaml": "ml",
    "perl": "pl",
    "plaintext": "txt",
    "powershell": "ps1",
    "python": "py",
    "ruby": "rb",
    "rust": "rs",
    "shellscript": "sh",
    "typescript": "ts",
    "typescriptreact": "tsx",
    "yaml": "yml",
}
"""Endings of languages whose id is not their ending."""


def choose_file_name(document: Document) -> str:
    """The name in front of the text of `document`; empty if its text is enough.

    A file without a telling name is named after the language that the user chose.
    """
    if len(document.text) > _MAX_NAMED:
        return ""
    if language_of_path(document.path):
        return document.path
    language = resolve_language(document.language)
    if not language:
        return document.path
    return _NAMES.get(language) or f"{_UNTITLED}.{_ENDINGS.get(language, language)}"
