"""Handles the user's reaction to a completion, as notifications and as commands.

`textDocument/didShowCompletion` and `textDocument/didPartiallyAcceptCompletion` are Copilot's
notifications. They carry the item, but a client may send anything, so the item is read with care.
"""

from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from copilotd.lsp.client import Client
from copilotd.lsp.positions import Encoding, count_code_points
from copilotd.serving.services import Services


def accept(arguments: tuple[Any, ...], services: Services, client: Client) -> None:
    """`copilotd.accept`: the user accepted the completion with this id."""
    services.completion.accept(_parse_id(arguments))


def reject(arguments: tuple[Any, ...], services: Services, client: Client) -> None:
    """`copilotd.reject`: the user dismissed the completion with this id."""
    services.completion.reject(_parse_id(arguments))


def did_show(params: Any, services: Services, client: Client) -> None:
    """The editor drew the ghost text; `params` is `{item}`, the item as the server sent it."""
    if id := _item_id(params):
        services.completion.mark_drawn(id)


def did_partially_accept(params: Any, services: Services, client: Client) -> None:
    """The user accepted the first words; `params` is `{item, acceptedLength}`.

    The length counts UTF-16 code units of the item's text, whatever encoding positions have. Some
    clients send only the command of the item.
    """
    id = _item_id(params)
    length = params.get("acceptedLength") if id else None
    if not id or not isinstance(length, int):
        return
    text = _item_text(params) or client.offered_items.find_text(id)
    if text is not None:
        services.completion.accept(id, count_code_points(text, length, Encoding.UTF16))


def _parse_id(arguments: tuple[Any, ...]) -> str:
    """The id in the arguments of a command. Raises: JsonRpcInvalidParams."""
    match arguments:
        case (str(id),):
            return id
    raise JsonRpcInvalidParams("the command takes one argument, the id of a completion")


def _item_id(params: Any) -> str | None:
    """The id of the completion: the argument of the item's command."""
    match params:
        case {"item": {"command": {"arguments": [str(id), *_]}}}:
            return id
    return None


def _item_text(params: Any) -> str | None:
    match params:
        case {"item": {"insertText": str(text) | {"value": str(text)}}}:
            return text
    return None
