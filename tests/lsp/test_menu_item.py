import pytest
from lsprotocol import types

from copilotd.completion.types import Completion
from copilotd.documents import Document
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.menu_item import (
    Insertion,
    MenuCapabilities,
    build_menu_item,
    escape_snippet,
    format_insertion,
)
from copilotd.lsp.offered_items import OfferedItem
from copilotd.lsp.positions import Encoding

PLAIN, SNIPPET = types.InsertTextFormat.PlainText, types.InsertTextFormat.Snippet


def offered_item(marked: str, text: str) -> OfferedItem:
    """`text` at the first | of `marked`. A second | ends the range that it replaces."""
    before, *rest = marked.split("|")
    replaced = rest[0] if len(rest) == 2 else ""
    document = Document("file:///w/a.py", "".join([before, *rest]), "python")
    completion = Completion("id-1", text, len(before), len(before) + len(replaced))
    return OfferedItem(Snapshot.of(document), completion)


def test_a_snippet_inserts_dollars_braces_and_backslashes_literally() -> None:
    assert escape_snippet("${HOME} \\d {x}$1") == "\\${HOME\\} \\\\d {x\\}\\$1"


@pytest.mark.parametrize(
    ("menu", "expected"),
    [
        (MenuCapabilities(), Insertion("if $a:\n        b\n\n    c", PLAIN)),
        (MenuCapabilities(snippets=True), Insertion("if \\$a:\n    b\n\nc", SNIPPET)),
        (
            MenuCapabilities(snippets=True, as_is=True),
            Insertion("if \\$a:\n        b\n\n    c", SNIPPET),
        ),
    ],
    ids=["no snippets", "snippets that are indented", "snippets as they are"],
)
def test_further_lines_are_indented_for_the_editors_capabilities(
    menu: MenuCapabilities, expected: Insertion
) -> None:
    assert format_insertion("if $a:\n        b\n\n    c", "    ", menu) == expected


def test_text_with_a_line_that_is_indented_less_stays_plain() -> None:
    text = "return 1\n\nx = 2"
    assert format_insertion(text, "    ", MenuCapabilities(snippets=True)) == Insertion(text, PLAIN)


def test_an_item_replaces_the_word_at_the_cursor_and_sorts_first() -> None:
    item = build_menu_item(
        offered_item("x = 1\n    retu|", "rn [\n        x,\n    ]"),
        Encoding.UTF16,
        MenuCapabilities(snippets=True, as_is=True, markdown=True),
    )
    assert item == types.CompletionItem(
        label="return […",
        kind=types.CompletionItemKind.Text,
        detail="copilotd",
        documentation=types.MarkupContent(
            types.MarkupKind.Markdown, "````python\nreturn [\n        x,\n    ]\n````"
        ),
        preselect=True,
        sort_text="!",
        filter_text="return [",
        insert_text_format=SNIPPET,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(
            types.Range(types.Position(1, 4), types.Position(1, 8)),
            "return [\n        x,\n    ]",
        ),
        command=types.Command("Accept completion", "copilotd.accept", arguments=["id-1"]),
    )


def build_edit(item: OfferedItem, menu: MenuCapabilities) -> types.TextEdit | None:
    """The edit of the item in a menu."""
    built = build_menu_item(item, Encoding.UTF16, menu)
    if built is None:
        return None
    assert isinstance(built.text_edit, types.TextEdit)
    return built.text_edit


def edit_line(start: int, end: int, text: str) -> types.TextEdit:
    return types.TextEdit(types.Range(types.Position(0, start), types.Position(0, end)), text)


def test_an_auto_closed_bracket_stays_if_the_text_ends_with_it() -> None:
    edit = build_edit(offered_item("f(|)|", "a, b)"), MenuCapabilities())
    assert edit == edit_line(2, 2, "a, b")


def test_an_auto_closed_bracket_is_replaced_if_the_text_continues_after_it() -> None:
    edit = build_edit(offered_item("def f(|)|", "a):\n    pass"), MenuCapabilities())
    assert edit == edit_line(6, 7, "a):\n    pass")


def test_a_menu_that_only_inserts_gets_the_text_in_front_of_the_bracket() -> None:
    menu = MenuCapabilities(inserts_only=True)
    edit = build_edit(offered_item("def f(|)|", "a):\n    pass"), menu)
    assert edit == edit_line(6, 6, "a")


@pytest.mark.parametrize(
    ("name", "snippets", "inserts_only"),
    [("Neovim", True, True), ("Neovim", False, False), ("Emacs", True, False)],
)
def test_the_menu_of_neovim_only_inserts_snippets(
    name: str, snippets: bool, inserts_only: bool
) -> None:
    item = types.ClientCompletionItemOptions(snippet_support=snippets)
    completion = types.CompletionClientCapabilities(completion_item=item)
    document = types.TextDocumentClientCapabilities(completion=completion)
    menu = MenuCapabilities.of(types.ClientCapabilities(text_document=document), name)
    assert menu.inserts_only is inserts_only


def test_a_menu_that_only_inserts_gets_no_text_that_rewrites_the_line() -> None:
    menu = MenuCapabilities(inserts_only=True)
    assert build_edit(offered_item("f(|a)|", "b, c)"), menu) is None


def test_a_long_line_is_truncated_only_in_the_label() -> None:
    item = build_menu_item(offered_item("|", "x" * 80), Encoding.UTF16, MenuCapabilities())
    assert item is not None
    assert item.label == "x" * 60 + "…"
    assert item.filter_text == "x" * 80


def test_the_label_skips_a_leading_line_ending() -> None:
    item = build_menu_item(offered_item("if x:|", "\n    pass"), Encoding.UTF16, MenuCapabilities())
    assert item is not None
    assert (item.label, item.filter_text) == ("pass", None)
