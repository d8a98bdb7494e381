"""Errors in the shape that a dialect's clients expect.

    {"error": {"message": "...", "type": "...", "param": null, "code": "..."}}    OpenAI's
    {"type": "error", "error": {"type": "...", "message": "..."}}                 Anthropic's
    {"error": "..."}                                                              Ollama's
    {"error": {"code": 400, "message": "...", "type": "..."}}                     llama.cpp's

The request's path says which dialect is spoken; where none is, the shape is OpenAI's.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from copilotd.errors import ContextOverflow

CLIENT_ERROR = "invalid_request_error"
SERVER_ERROR = "server_error"

ANTHROPIC = "/v1/messages"
"""Where Anthropic's dialect is spoken."""
_OLLAMA = "/api/"
LLAMA_CPP = frozenset(
    {
        "/apply-template",
        "/chat/completions",
        "/chat/completions/input_tokens",
        "/completion",
        "/completions",
        "/detokenize",
        "/embedding",
        "/embeddings",
        "/infill",
        "/metrics",
        "/models",
        "/props",
        "/slots",
        "/tokenize",
    }
)
"""Where llama.cpp's dialect is spoken."""

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
    """The cause, and the next step where there is one."""
    type: str
    """invalid_request_error (the caller's) or server_error (ours)."""
    param: str | None = None
    """The field of the request that is at fault."""
    code: str | None = None
    """A name for programs, such as context_length_exceeded or engine_busy."""


class ErrorResponse(BaseModel):
    """The body of an answer that is not a success, in OpenAI's shape."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    error: ErrorDetail


class AnthropicDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """A name for programs, such as invalid_request_error or overloaded_error."""
    message: str
    """The cause, and the next step where there is one."""


class AnthropicError(BaseModel):
    """The same in Anthropic's shape."""

    type: Literal["error"]
    error: AnthropicDetail


class OllamaError(BaseModel):
    """The same in Ollama's shape."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    error: str
    """The cause, and the next step where there is one."""


class LlamaCppDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    code: int
    """The status."""
    message: str
    """The cause, and the next step where there is one."""
    type: str
    """A name for programs, such as invalid_request_error or exceed_context_size_error."""
    n_prompt_tokens: int | None = None
    """Tokens of a prompt that is too long."""
    n_ctx: int | None = None
    """The tokens that there is room for."""


class LlamaCppError(BaseModel):
    """The same in the shape of llama.cpp's server."""

    error: LlamaCppDetail


def responses(body: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """For the API page: what an endpoint may answer besides a success."""
    return {
        "4XX": {"model": body, "description": "The request cannot be honoured as it is."},
        "5XX": {
            "model": body,
            "description": "The engine could not answer; 503 with Retry-After if it may soon.",
        },
    }


RESPONSES = responses(ErrorResponse)
"""What an endpoint of OpenAI's dialect, or of none, may answer."""

LLAMA_CPP_RESPONSES = responses(LlamaCppError)
"""What one of llama.cpp's dialect may answer."""


_ANTHROPICS: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    503: "overloaded_error",
}
"""Anthropic's types of error, by status; all others are the two general ones."""


_LLAMA_CPPS: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    501: "not_supported_error",
    503: "unavailable_error",
}
"""The same of llama.cpp's."""


def shaped(
    path: str, status: int, detail: ErrorDetail, error: Exception | None = None
) -> BaseModel:
    """`detail`, of `error` if there is one, in the shape of the dialect that `path` is of."""
    if path.startswith(ANTHROPIC):
        kind = _ANTHROPICS.get(status, CLIENT_ERROR if status < 500 else "api_error")
        return AnthropicError(
            type="error", error=AnthropicDetail(type=kind, message=detail.message)
        )
    if path.startswith(_OLLAMA):
        return OllamaError(error=detail.message)
    if path in LLAMA_CPP:
        return LlamaCppError(error=_llama_cpp_detail(status, detail, error))
    return ErrorResponse(error=detail)


def _llama_cpp_detail(status: int, detail: ErrorDetail, error: Exception | None) -> LlamaCppDetail:
    if isinstance(error, ContextOverflow) and error.n_ctx:
        # In its own words: clients look for them.
        return LlamaCppDetail(
            code=status,
            message=f"the request ({error.tokens} tokens) exceeds the available context size "
            f"({error.n_ctx} tokens). {error.hint}",
            type="exceed_context_size_error",
            n_prompt_tokens=error.tokens,
            n_ctx=error.n_ctx,
        )
    kind = _LLAMA_CPPS.get(status, CLIENT_ERROR if status < 500 else SERVER_ERROR)
    return LlamaCppDetail(code=status, message=detail.message, type=kind)
