"""How to write several lines so that an editor's completion menu inserts them as they are."""

import re
from dataclasses import dataclass

from lsprotocol import types

_SYNTAX = re.compile(r"[\\$}]")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the client's menu can do.

    `as_is` means that it can insert several lines without touching their indentation, `markdown`
    that it renders documentation.
    """

    snippets: bool = False
    as_is: bool = False
    markdown: bool = False

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities) -> "Abilities":
        """Read them from what the client declares."""
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
        )


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text for an item, and how the editor is to read it."""

    text: str
    format: types.InsertTextFormat


def insertion(text: str, indent: str, abilities: Abilities) -> Insertion:
    """Write `text`, which goes into a line indented by `indent`, for a client's menu.

    Some editors cut a plain text at its first line end or blank, so it is a snippet where that
    is possible. Those that cannot leave indentation alone put the line's own in front of every
    further line of a snippet, so it is taken away there.
    """
    plain = Insertion(text, types.InsertTextFormat.PlainText)
    if not abilities.snippets:
        return plain
    body = text if abilities.as_is else _outdented(text, indent)
    return plain if body is None else Insertion(escaped(body), types.InsertTextFormat.Snippet)


def escaped(text: str) -> str:
    r"""The snippet that inserts `text`: `$`, `}` and `\` lose their meaning."""
    return _SYNTAX.sub(r"\\\g<0>", text)


def _outdented(text: str, indent: str) -> str | None:
    """`text` with `indent` taken from its further lines; None if one of them has less of it."""
    first, *further = text.split("\n")
    if any(line.strip() and not line.startswith(indent) for line in further):
        return None
    return "\n".join([first, *(line.removeprefix(indent) for line in further)])
