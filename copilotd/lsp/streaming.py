"""What chat, edits and commit messages have in common on the wire.

Their parameters are read strictly: what a client got wrong is named in the error.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from copilotd.engine.types import FinishReason
from copilotd.errors import CopilotdError
from copilotd.lsp.server import EditorServer

REQUEST_FAILED = -32803
"""LSP 3.17: the request was well formed, and failed."""

T = TypeVar("T")


def read(kind: type[T], params: Any) -> T:
    """The parameters of a request as a `kind`. Raises: JsonRpcInvalidParams."""
    try:
        return msgspec.convert(params, kind)
    except msgspec.ValidationError as error:
        raise JsonRpcInvalidParams(str(error)) from error


def failure(error: CopilotdError) -> JsonRpcException:
    """The error that tells the user the cause and the next step."""
    text = ". ".join(part.rstrip(". ") for part in (error.message, error.hint) if part)
    return JsonRpcException(f"{text}.", REQUEST_FAILED, {"retry": error.retryable})


async def streamed(
    ls: EditorServer, token: str | int | None, answer: AsyncGenerator[str | FinishReason, None]
) -> tuple[str, FinishReason]:
    """Send the answer in pieces to a client that gave a token for them; the whole, and its end.

    Raises: JsonRpcException with the cause and the next step, where the answer fails.
    """
    pieces, reason = [], FinishReason.STOP
    try:
        async with aclosing(answer):
            async for piece in answer:
                if isinstance(piece, FinishReason):
                    reason = piece
                elif piece:
                    pieces.append(piece)
                    progress(ls, token, {"delta": piece})
    except CopilotdError as error:
        raise failure(error) from error
    return "".join(pieces), reason


def progress(ls: EditorServer, token: str | int | None, value: dict[str, Any]) -> None:
    """Send a part of a result to a client that gave a token for it."""
    if token is not None:
        ls.protocol.notify(types.PROGRESS, types.ProgressParams(token, value))
