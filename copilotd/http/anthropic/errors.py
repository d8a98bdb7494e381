"""Errors in Anthropic's shape.

{"type": "error", "error": {"type": "...", "message": "..."}}
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from copilotd.http.shared.error_bodies import (
    CLIENT_ERROR,
    ErrorBody,
    ErrorDetail,
    ErrorShape,
    describe_errors,
)

_PATHS = "/v1/messages"
"""The prefix of every path in the dialect, including paths that copilotd does not have."""

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    503: "overloaded_error",
}
"""Anthropic's error types by status; the other statuses have one of the two general types."""


class AnthropicDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """A name for programs, such as invalid_request_error or overloaded_error."""
    message: str
    """The cause, and the next step if there is one."""


class AnthropicError(BaseModel):
    """The body of an error response, in Anthropic's shape."""

    type: Literal["error"]
    error: AnthropicDetail


def write_anthropic_error(
    status: int, detail: ErrorDetail, error: Exception | None = None
) -> ErrorBody:
    """The body in Anthropic's shape."""
    kind = _TYPES.get(status, CLIENT_ERROR if status < 500 else "api_error")
    body = AnthropicDetail(type=kind, message=detail.message)
    return AnthropicError(type="error", error=body).model_dump()


ERRORS = ErrorShape(lambda path: path.startswith(_PATHS), write_anthropic_error)

RESPONSES = describe_errors(AnthropicError)
"""The error responses of an endpoint of this dialect, for the API page."""
