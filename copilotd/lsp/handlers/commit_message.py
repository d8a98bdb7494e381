"""`copilotd/commitMessage`: a commit message for a diff."""

from typing import Any

import msgspec

from copilotd.chat.commit_message import build_request, strip_quotes
from copilotd.errors import InvalidRequest
from copilotd.lsp.client import Client
from copilotd.lsp.streaming import parse_params, stream_answer, to_rpc_error
from copilotd.serving.services import Services


class CommitMessageParams(msgspec.Struct, frozen=True, rename="camel"):
    """The request's parameters."""

    diff: str
    partial_result_token: str | int | None = None


async def commit_message(params: Any, services: Services, client: Client) -> dict[str, Any]:
    """Stream the message, then return it whole."""
    request = parse_params(CommitMessageParams, params)
    try:
        answer = services.models.chat.chat.stream_text(build_request(request.diff))
    except InvalidRequest as error:
        raise to_rpc_error(error) from error
    message, _ = await stream_answer(client, request.partial_result_token, answer)
    return {"message": strip_quotes(message)}
