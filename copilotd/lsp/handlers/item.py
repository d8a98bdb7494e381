"""Reads the item that Copilot's notifications carry; a client may send anything there."""

from typing import Any


def item_id(params: Any) -> str | None:
    """The id of the completion: the argument of the item's command."""
    match params:
        case {"item": {"command": {"arguments": [str(id), *_]}}}:
            return id
    return None


def item_text(params: Any) -> str | None:
    """The item's text, if it is there."""
    match params:
        case {"item": {"insertText": str(text) | {"value": str(text)}}}:
            return text
    return None
