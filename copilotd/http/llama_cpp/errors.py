"""Errors in the shape of llama.cpp's server.

{"error": {"code": 400, "message": "...", "type": "..."}}
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from copilotd.errors import ContextOverflow
from copilotd.http.shared.error_bodies import (
    CLIENT_ERROR,
    SERVER_ERROR,
    ErrorBody,
    ErrorDetail,
    describe_errors,
)

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    501: "not_supported_error",
    503: "unavailable_error",
}
"""The server's error types by status; the other statuses have one of the two general types."""


class LlamaCppDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    code: int
    """The status."""
    message: str
    """The cause, and the next step if there is one."""
    type: str
    """A name for programs, such as invalid_request_error or exceed_context_size_error."""
    n_prompt_tokens: int | None = None
    """The length of a prompt that is too long, in tokens."""
    n_ctx: int | None = None
    """The size of the context, in tokens."""


class LlamaCppError(BaseModel):
    """The body of an error response, in the shape of llama.cpp's server."""

    error: LlamaCppDetail


def write_llama_cpp_error(
    status: int, detail: ErrorDetail, error: Exception | None = None
) -> ErrorBody:
    """The body in llama.cpp's shape."""
    if isinstance(error, ContextOverflow) and error.n_ctx:
        body = _describe_overflow(status, error)
    else:
        kind = _TYPES.get(status, CLIENT_ERROR if status < 500 else SERVER_ERROR)
        body = LlamaCppDetail(code=status, message=detail.message, type=kind)
    return LlamaCppError(error=body).model_dump(exclude_unset=True)


def _describe_overflow(status: int, error: ContextOverflow) -> LlamaCppDetail:
    """The words of llama.cpp's own server, because clients look for them."""
    return LlamaCppDetail(
        code=status,
        message=f"the request ({error.tokens} tokens) exceeds the available context size "
        f"({error.n_ctx} tokens). {error.hint}",
        type="exceed_context_size_error",
        n_prompt_tokens=error.tokens,
        n_ctx=error.n_ctx,
    )


RESPONSES = describe_errors(LlamaCppError)
"""The error responses of an endpoint of this dialect, for the API page."""
