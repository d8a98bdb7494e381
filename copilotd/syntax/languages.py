"""Facts about languages: small tables, keyed by the editor's language id.

A language that is in no table is treated like C: braces, no `end`, no significant indentation.
"""

from pathlib import PurePosixPath

from copilotd.documents import Document

STRICTLY_INDENTED = frozenset({"python", "cython", "starlark", "nim", "gdscript"})
"""Indentation is the block structure, and a line deeper than the one above needs a reason."""

PROSE = frozenset(
    "asciidoc git-commit latex markdown mdx org plaintext quarto restructuredtext rmd tex".split()
)
"""Prose: fences, blank lines and trailing spaces have a meaning."""

MARKUP = frozenset("astro erb handlebars html svelte vue xml".split())
"""Text between tags, where an apostrophe is no quote."""

SLASHES_ARE_NO_COMMENT = frozenset({"css"})
"""`//` is part of an address; comments are `/* */`."""

TABBED = frozenset({"go", "makefile"})
"""Languages that are always indented with tabs."""

PREPROCESSED = frozenset({"c", "cpp", "csharp", "cuda-cpp", "objective-c", "objective-cpp"})
"""Directives such as `#if` are in column 0 inside any block."""

CHARACTER_QUOTES = frozenset(
    "c cpp csharp cuda-cpp go haskell java kotlin objective-c objective-cpp ocaml rust scala "
    "swift zig".split()
)
"""`'` encloses one character, or is no quote at all (a Rust lifetime)."""

LONE_CLOSERS = PROSE | {"shellscript"}
"""A closing bracket needs no opening one: `1)` in a text, a pattern in a shell's `case`."""

BACKTICK_STRINGS = frozenset(
    "astro go javascript javascriptreact svelte typescript typescriptreact vue".split()
)
"""A backtick opens a string that may span lines."""

_END = frozenset({"end"})

END_WORDS: dict[str, frozenset[str]] = {
    "crystal": _END,
    "elixir": _END,
    "julia": _END,
    "lua": _END,
    "luau": _END,
    "matlab": _END,
    "ruby": _END,
    "shellscript": frozenset({"done", "esac", "fi"}),
}
"""Words that close a block, as a bracket does in other languages."""

HASH_COMMENTS = frozenset(
    "coffeescript crystal cython dockerfile elixir gdscript julia makefile nim perl powershell "
    "python r ruby shellscript starlark toml yaml".split()
)
"""`#` begins a comment."""

DASH_COMMENTS = frozenset({"ada", "elm", "haskell", "lua", "luau", "sql"})
"""`--` begins a comment."""

_BY_EXTENSION = {
    "bash": "shellscript",
    "c": "c",
    "cc": "cpp",
    "cpp": "cpp",
    "cs": "csharp",
    "css": "css",
    "cu": "cuda-cpp",
    "ex": "elixir",
    "exs": "elixir",
    "go": "go",
    "h": "c",
    "hpp": "cpp",
    "htm": "html",
    "html": "html",
    "java": "java",
    "jl": "julia",
    "js": "javascript",
    "json": "json",
    "jsx": "javascriptreact",
    "kt": "kotlin",
    "lua": "lua",
    "md": "markdown",
    "mjs": "javascript",
    "nim": "nim",
    "php": "php",
    "py": "python",
    "pyi": "python",
    "rb": "ruby",
    "rs": "rust",
    "rst": "restructuredtext",
    "sh": "shellscript",
    "sql": "sql",
    "svelte": "svelte",
    "swift": "swift",
    "tex": "latex",
    "toml": "toml",
    "ts": "typescript",
    "tsx": "typescriptreact",
    "txt": "plaintext",
    "vue": "vue",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
}


def detect_language(document: Document) -> str:
    """The editor's language id, or one guessed from the file name; empty if neither is known."""
    if document.language:
        return document.language.lower()
    name = PurePosixPath(document.path or document.uri).name.lower()
    return _BY_EXTENSION.get(name.rpartition(".")[2], "")
