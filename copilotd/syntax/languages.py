"""Facts about languages: small tables, keyed by our language ids (see `language_ids.py`).

A language that is in no table is treated like C: braces, no `end`, no significant indentation.
"""

from collections.abc import Iterable

from copilotd.documents import Document
from copilotd.syntax.language_ids import (
    language_of_path,
    language_of_shebang,
    language_of_uri,
    resolve_language,
    resolve_synonym,
)

STRICTLY_INDENTED = frozenset({"python", "cython", "starlark", "nim", "gdscript"})
"""Indentation is the block structure, and a line deeper than the one above needs a reason."""

PROSE = frozenset(
    "asciidoc git-commit latex markdown mdx org plaintext quarto restructuredtext rmd typst".split()
)
"""Prose: fences, blank lines and trailing spaces have a meaning."""

MARKUP = frozenset("astro erb handlebars html svelte vue xml".split())
"""Text between tags, where an apostrophe is no quote."""

SLASHES_ARE_NO_COMMENT = frozenset({"css"})
"""`//` is part of an address; comments are `/* */`."""

TABBED = frozenset({"go", "gomod"})
"""Languages that are always indented with tabs."""

PREPROCESSED = frozenset({"c", "cpp", "csharp", "cuda-cpp", "objective-c", "objective-cpp"})
"""Directives such as `#if` are in column 0 inside any block."""

CHARACTER_QUOTES = frozenset(
    "ada c clojure cpp csharp cuda-cpp d elm fsharp go haskell java kotlin lisp matlab objective-c "
    "objective-cpp ocaml proto rust scala scheme swift systemverilog verilog vhdl zig".split()
)
"""`'` encloses one character, or is no quote at all (a Rust lifetime, a quoted list in Lisp)."""

LONE_CLOSERS = PROSE | {"shellscript"}
"""A closing bracket needs no opening one: `1)` in a text, a pattern in a shell's `case`."""

BACKTICK_STRINGS = frozenset(
    "astro go javascript javascriptreact svelte typescript typescriptreact vue".split()
)
"""A backtick opens a string that may span lines."""

_END = frozenset({"end"})

END_WORDS: dict[str, frozenset[str]] = {
    "ada": _END,
    "crystal": _END,
    "elixir": _END,
    "erlang": _END,
    "fish": _END,
    "fortran": _END | {"endif", "enddo"},
    "julia": _END,
    "lua": _END,
    "luau": _END,
    "makefile": frozenset({"endef", "endif"}),
    "matlab": _END,
    "pascal": _END,
    "ruby": _END,
    "shellscript": frozenset({"done", "esac", "fi"}),
    "systemverilog": _END | {"endcase", "endfunction", "endmodule", "endtask"},
    "verilog": _END | {"endcase", "endfunction", "endmodule", "endtask"},
    "vim": frozenset({"endfor", "endfunction", "endif", "endtry", "endwhile"}),
}
"""Words that close a block, as a bracket does in other languages."""

HASH_COMMENTS = frozenset(
    "cmake coffeescript conf crystal cython dockerfile dotenv elixir fish gdscript git-rebase "
    "graphql ignore ini julia just makefile meson nim nix perl powershell properties "
    "python r raku ruby shellscript starlark tcl toml yaml".split()
)
"""`#` begins a comment."""

DASH_COMMENTS = frozenset({"ada", "elm", "haskell", "lua", "luau", "sql", "vhdl"})
"""`--` begins a comment."""


def detect_language(document: Document) -> str:
    """Our id of the document's language; empty if it is unknown.

    The editor's id decides. If it says nothing, the file name does, then the first line.
    """
    named = resolve_language(document.language)
    if named not in ("", "plaintext"):
        return named
    of_file = language_of_path(document.path) or language_of_uri(document.uri)
    if _is_notebook_source(document):
        return "json"
    return of_file or language_of_shebang(document.text) or named


def is_among(document: Document, languages: Iterable[str]) -> bool:
    """Whether one of `languages`, under any editor's name, is that of the document.

    A dialect counts as itself and as the language around it.
    """
    names = {resolve_synonym(document.language), detect_language(document)}
    return any(resolve_synonym(language) in names for language in languages)


def _is_notebook_source(document: Document) -> bool:
    """Whether it is a notebook's whole file, and not one of its cells."""
    name = document.path or document.uri
    return name.lower().endswith(".ipynb") and document.text.lstrip().startswith("{")
