"""Shared by chat, edit and commit message requests: parameters, partial results and errors.

The parameters are parsed strictly, and the error names what the client got wrong.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from copilotd.engine.types import FinishReason
from copilotd.errors import CopilotdError
from copilotd.lsp.client import Client

REQUEST_FAILED = -32803
"""LSP 3.17: the request was valid, but it failed."""

T = TypeVar("T")


def parse_params(kind: type[T], params: Any) -> T:
    """Convert the parameters of a request to a `kind`. Raises: JsonRpcInvalidParams."""
    try:
        return msgspec.convert(params, kind)
    except msgspec.ValidationError as error:
        raise JsonRpcInvalidParams(str(error)) from error


def to_rpc_error(error: CopilotdError) -> JsonRpcException:
    """The error response that tells the user the cause and the next step."""
    text = ". ".join(part.rstrip(". ") for part in (error.message, error.hint) if part)
    return JsonRpcException(f"{text}.", REQUEST_FAILED, {"retry": error.retryable})


async def stream_answer(
    client: Client, token: str | int | None, answer: AsyncGenerator[str | FinishReason, None]
) -> tuple[str, FinishReason]:
    """Send the answer in pieces to a client that gave a token; return it whole, and why it ended.

    Raises: JsonRpcException with the cause and the next step, if the answer fails.
    """
    pieces, reason = [], FinishReason.STOP
    try:
        async with aclosing(answer):
            async for piece in answer:
                if isinstance(piece, FinishReason):
                    reason = piece
                elif piece:
                    pieces.append(piece)
                    send_progress(client, token, {"delta": piece})
    except CopilotdError as error:
        raise to_rpc_error(error) from error
    return "".join(pieces), reason


def send_progress(client: Client, token: str | int | None, value: dict[str, Any]) -> None:
    """Send a partial result to a client that gave a token."""
    if token is not None:
        client.notify(types.PROGRESS, types.ProgressParams(token, value))
