"""The arguments of commands."""

from typing import Any

from pygls.exceptions import JsonRpcInvalidParams


def only_id(arguments: tuple[Any, ...]) -> str:
    """The one argument, an id. Raises: JsonRpcInvalidParams."""
    match arguments:
        case (str(id),):
            return id
    raise JsonRpcInvalidParams("the command takes one argument, the id of a completion")
