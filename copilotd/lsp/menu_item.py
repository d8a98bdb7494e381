"""Renders an offered item for a completion menu, for editors without inline completion."""

import re
from dataclasses import dataclass

from lsprotocol import types

from copilotd.completion.insert_only import text_to_insert
from copilotd.lsp.offered_items import OfferedItem
from copilotd.lsp.positions import Encoding

_WORD = re.compile(r"\w*\Z")
_INDENT = re.compile(r"[ \t]*")
_SNIPPET_SYNTAX = re.compile(r"[\\$}]")
_MAX_LABEL_LENGTH = 60
_SORTS_FIRST = "!"


@dataclass(frozen=True, slots=True)
class MenuCapabilities:
    """The capabilities of the client's menu.

    `as_is` means that it can insert several lines without changing their indentation, `markdown`
    that it renders documentation. If `inserts_only`, it replaces nothing after the cursor.
    """

    snippets: bool = False
    as_is: bool = False
    markdown: bool = False
    inserts_only: bool = False

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities, name: str = "") -> "MenuCapabilities":
        """Read the capabilities that the client called `name` declares."""
        document = capabilities.text_document
        completion = document.completion if document else None
        item = completion.completion_item if completion else None
        if item is None:
            return cls()
        modes = item.insert_text_mode_support
        return cls(
            snippets=bool(item.snippet_support),
            as_is=modes is not None and types.InsertTextMode.AsIs in modes.value_set,
            markdown=types.MarkupKind.Markdown in (item.documentation_format or ()),
            # Neovim replaces nothing after the cursor if an item is a snippet.
            inserts_only=name == "Neovim" and bool(item.snippet_support),
        )


def build_menu_item(
    item: OfferedItem, encoding: Encoding, menu: MenuCapabilities
) -> types.CompletionItem | None:
    """One menu item that is listed first and passes the editor's own filter.

    It replaces the word at the cursor, as items of other servers do, so it begins with that word.
    None if the editor cannot insert the text rightly.
    """
    text, end = _find_replacement(item, menu)
    if not text:
        return None
    line_before = _line_before(item)
    word = _group_text(_WORD.search(line_before))
    whole = word + text
    insertion = format_insertion(whole, _group_text(_INDENT.match(line_before)), menu)
    start = item.completion.start - len(word)
    return types.CompletionItem(
        label=_render_label(whole),
        kind=types.CompletionItemKind.Text,
        detail="copilotd",
        documentation=_render_documentation(whole, item.snapshot.document.language, menu),
        preselect=True,
        sort_text=_SORTS_FIRST,
        filter_text=whole.split("\n", 1)[0].strip() or None,
        insert_text_format=insertion.format,
        insert_text_mode=types.InsertTextMode.AsIs if menu.as_is else None,
        text_edit=types.TextEdit(item.range(start, end, encoding), insertion.text),
        command=item.command,
    )


@dataclass(frozen=True, slots=True)
class Insertion:
    """The text of an item, and whether it is plain text or a snippet."""

    text: str
    format: types.InsertTextFormat


def format_insertion(text: str, indent: str, menu: MenuCapabilities) -> Insertion:
    """Format `text` so that the client's menu inserts it unchanged in a line indented by `indent`.

    Some editors cut plain text at its first line ending or space, so the text is a snippet if the
    client has snippets. If the client cannot leave indentation alone, it indents every further line
    of a snippet like the current line, so that indentation is removed here.
    """
    plain = Insertion(text, types.InsertTextFormat.PlainText)
    if not menu.snippets:
        return plain
    body = text if menu.as_is else _remove_indent(text, indent)
    if body is None:
        return plain
    return Insertion(escape_snippet(body), types.InsertTextFormat.Snippet)


def escape_snippet(text: str) -> str:
    r"""The snippet that inserts `text`, with `$`, `}` and `\` escaped."""
    return _SNIPPET_SYNTAX.sub(r"\\\g<0>", text)


def _remove_indent(text: str, indent: str) -> str | None:
    """Remove `indent` from all lines but the first; None if a line is indented less."""
    first, *further = text.split("\n")
    if any(line.strip() and not line.startswith(indent) for line in further):
        return None
    return "\n".join([first, *(line.removeprefix(indent) for line in further)])


def _find_replacement(item: OfferedItem, menu: MenuCapabilities) -> tuple[str, int]:
    """The text to insert, and the end of what it replaces: nothing after the cursor, if it can."""
    document, completion = item.snapshot.document, item.completion
    has_copy = completion.text.endswith(document.text[completion.start : completion.end])
    if has_copy or menu.inserts_only:
        return text_to_insert(document, completion), completion.start
    return completion.text, completion.end


def _line_before(item: OfferedItem) -> str:
    return re.split(r"[\r\n]", item.snapshot.document.text[: item.completion.start])[-1]


def _group_text(match: re.Match[str] | None) -> str:
    return match.group() if match else ""


def _render_label(text: str) -> str:
    first, *further = text.strip().split("\n")
    label = first[:_MAX_LABEL_LENGTH]
    return label if label == text.strip() and not further else f"{label.rstrip()}…"


def _render_documentation(text: str, language: str, menu: MenuCapabilities) -> types.MarkupContent:
    if not menu.markdown:
        return types.MarkupContent(types.MarkupKind.PlainText, text)
    return types.MarkupContent(types.MarkupKind.Markdown, f"````{language}\n{text}\n````")
