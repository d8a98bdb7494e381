"""An offer as an item of a completion menu, for editors without inline completion."""

import re

from lsprotocol import types

from copilotd.completion.addition import addition
from copilotd.lsp.insertion import Abilities, insertion
from copilotd.lsp.offered_items import Offer
from copilotd.lsp.positions import Encoding

_WORD = re.compile(r"\w*\Z")
_INDENT = re.compile(r"[ \t]*")
_LABEL_LENGTH = 60
_BEFORE_ALL_OTHERS = "!"


def menu_item(offer: Offer, encoding: Encoding, abilities: Abilities) -> types.CompletionItem:
    """One item that stands first in the menu and survives the editor's own filtering.

    It replaces the word at the cursor, as items of other servers do, and so begins with it.
    """
    # Neovim replaces nothing behind the cursor when an item is a snippet.
    text, end = addition(offer.snapshot.document, offer.completion)
    line_before = _line_before(offer)
    word = _found(_WORD.search(line_before))
    whole = word + text
    written = insertion(whole, _found(_INDENT.match(line_before)), abilities)
    start = offer.completion.start - len(word)
    return types.CompletionItem(
        label=_label(whole),
        kind=types.CompletionItemKind.Text,
        detail="copilotd",
        documentation=_documentation(whole, offer.snapshot.document.language, abilities),
        preselect=True,
        sort_text=_BEFORE_ALL_OTHERS,
        filter_text=whole.split("\n", 1)[0].strip() or None,
        insert_text_format=written.format,
        insert_text_mode=types.InsertTextMode.AsIs if abilities.as_is else None,
        text_edit=types.TextEdit(offer.range(start, end, encoding), written.text),
        command=offer.command,
    )


def _line_before(offer: Offer) -> str:
    return re.split(r"[\r\n]", offer.snapshot.document.text[: offer.completion.start])[-1]


def _found(match: re.Match[str] | None) -> str:
    return match.group() if match else ""


def _label(text: str) -> str:
    first, *further = text.strip().split("\n")
    cut = first[:_LABEL_LENGTH]
    return cut if cut == text.strip() and not further else f"{cut.rstrip()}…"


def _documentation(text: str, language: str, abilities: Abilities) -> types.MarkupContent:
    if not abilities.markdown:
        return types.MarkupContent(types.MarkupKind.PlainText, text)
    return types.MarkupContent(types.MarkupKind.Markdown, f"````{language}\n{text}\n````")
