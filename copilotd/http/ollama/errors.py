"""Errors in Ollama's shape.

{"error": "..."}
"""

from pydantic import BaseModel, ConfigDict

from copilotd.http.shared.error_bodies import ErrorBody, ErrorDetail, ErrorShape, describe_errors

_PATHS = "/api/"
"""The prefix of every path in the dialect, including paths that copilotd does not have."""


class OllamaError(BaseModel):
    """The body of an error response, in Ollama's shape."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    error: str
    """The cause, and the next step if there is one."""


def write_ollama_error(
    status: int, detail: ErrorDetail, error: Exception | None = None
) -> ErrorBody:
    """The body in Ollama's shape."""
    return OllamaError(error=detail.message).model_dump()


ERRORS = ErrorShape(lambda path: path.startswith(_PATHS), write_ollama_error)

RESPONSES = describe_errors(OllamaError)
"""The error responses of an endpoint of this dialect, for the API page."""
