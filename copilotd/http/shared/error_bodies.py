"""The body of an error, and how a dialect writes it.

A dialect whose clients expect a different shape has a module `errors` with an `ErrorShape`. All
other endpoints use OpenAI's shape, which is defined here:

    {"error": {"message": "...", "type": "...", "param": null, "code": "..."}}
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

CLIENT_ERROR = "invalid_request_error"
SERVER_ERROR = "server_error"

_EXAMPLE: JsonDict = {
    "error": {
        "message": "The prompt has 9000 tokens, the context 8192.",
        "type": CLIENT_ERROR,
        "param": None,
        "code": "context_length_exceeded",
    }
}


class ErrorDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    message: str
    """The cause, and the next step if there is one."""
    type: str
    """invalid_request_error (a mistake of the client) or server_error (a failure of copilotd)."""
    param: str | None = None
    """The field of the request that is wrong."""
    code: str | None = None
    """A name for programs, such as context_length_exceeded or engine_busy."""


class ErrorResponse(BaseModel):
    """The body of an error response, in OpenAI's shape."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    error: ErrorDetail


ErrorBody = dict[str, Any]
"""The JSON object of an error response."""

WriteError = Callable[[int, ErrorDetail, Exception | None], ErrorBody]
"""Writes the body from the status, the detail, and the exception if there was one."""


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """How a dialect writes its errors, and whether a path belongs to that dialect."""

    includes: Callable[[str], bool]
    write: WriteError


def write_openai_error(
    status: int, detail: ErrorDetail, error: Exception | None = None
) -> ErrorBody:
    """The body in OpenAI's shape."""
    return ErrorResponse(error=detail).model_dump()


def describe_errors(body: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """For the API page: the responses of an endpoint besides success."""
    return {
        "4XX": {"model": body, "description": "The request cannot be served as it is."},
        "5XX": {
            "model": body,
            "description": "The engine could not answer. 503 with Retry-After: try again later.",
        },
    }


RESPONSES = describe_errors(ErrorResponse)
"""The error responses of an endpoint that uses OpenAI's shape."""
