"""Errors in Ollama's shape.

{"error": "..."}
"""

from pydantic import BaseModel, ConfigDict

from copilotd.http.shared.error_bodies import ErrorBody, ErrorDetail, ErrorShape, error_responses

_PATHS = "/api/"
"""All paths of the dialect begin so, also those that do not exist here."""


class OllamaError(BaseModel):
    """The body of an error response, in Ollama's shape."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    error: str
    """The cause, and the next step if there is one."""


def ollama_error(status: int, detail: ErrorDetail, error: Exception | None = None) -> ErrorBody:
    """The body in Ollama's shape."""
    return OllamaError(error=detail.message).model_dump()


ERRORS = ErrorShape(lambda path: path.startswith(_PATHS), ollama_error)

RESPONSES = error_responses(OllamaError)
"""The error responses of an endpoint of this dialect, for the API page."""
