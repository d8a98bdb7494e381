"""The tree-sitter grammars, by language id; each is loaded when a document first needs it."""

import logging
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language

_log = logging.getLogger(__name__)

_GRAMMARS: dict[str, tuple[str, str]] = {
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "css": ("tree_sitter_css", "language"),
    "go": ("tree_sitter_go", "language"),
    "html": ("tree_sitter_html", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "javascriptreact": ("tree_sitter_javascript", "language"),
    "json": ("tree_sitter_json", "language"),
    "jsonc": ("tree_sitter_json", "language"),
    "kotlin": ("tree_sitter_kotlin", "language"),
    "lua": ("tree_sitter_lua", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "shellscript": ("tree_sitter_bash", "language"),
    "toml": ("tree_sitter_toml", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "typescriptreact": ("tree_sitter_typescript", "language_tsx"),
}
"""For each language id, the module of its grammar and the function that returns it."""


@cache
def find_grammar(language: str) -> "Language | None":
    """The grammar of an editor's language id; None if there is none, or it cannot be loaded."""
    if language not in _GRAMMARS:
        return None
    module, function = _GRAMMARS[language]
    try:
        # tree-sitter and a grammar take 1 to 5 MB, so they are not imported at the start.
        from tree_sitter import Language

        return Language(getattr(import_module(module), function)())
    except (ImportError, ValueError) as error:
        _log.warning("The grammar of %s cannot be loaded: %s", language, error)
        return None
