"""`copilotd/commitMessage`: a message for a difference."""

from typing import Any

import msgspec

from copilotd.chat.commit_message import asked_of, bare
from copilotd.errors import InvalidRequest
from copilotd.lsp.server import EditorServer
from copilotd.lsp.streaming import failure, read, streamed


class CommitMessageParams(msgspec.Struct, frozen=True, rename="camel"):
    """The request's parameters."""

    diff: str
    partial_result_token: str | int | None = None


async def commit_message(ls: EditorServer, params: Any) -> dict[str, Any]:
    """Stream the message, then give it whole."""
    asked = read(CommitMessageParams, params)
    try:
        answer = ls.talker.chat.say(asked_of(asked.diff))
    except InvalidRequest as error:
        raise failure(error) from error
    message, _ = await streamed(ls, asked.partial_result_token, answer)
    return {"message": bare(message)}
