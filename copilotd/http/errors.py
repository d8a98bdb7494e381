"""Errors on the wire, in the shape and with the statuses that OpenAI's clients expect.

    {"error": {"message": "...", "type": "...", "param": null, "code": "..."}}

A client may retry a 503 after `Retry-After` seconds; it need not retry anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from copilotd.errors import (
    ContextOverflow,
    CopilotdError,
    EngineBusy,
    EngineDied,
    EngineLoadFailed,
    EngineNotReady,
    InvalidRequest,
    ModelError,
)
from copilotd.http.connection import ClientGone

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
    """The cause, and the next step where there is one."""
    type: str
    """invalid_request_error (the caller's) or server_error (ours)."""
    param: str | None = None
    """The field of the request that is at fault."""
    code: str | None = None
    """A name for programs, such as context_length_exceeded or engine_busy."""


class ErrorResponse(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    error: ErrorDetail


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorResponse, "description": "The request cannot be honoured as it is."},
    "5XX": {
        "model": ErrorResponse,
        "description": "The engine could not answer; 503 with Retry-After if it may soon.",
    },
}
"""For the API page: what every endpoint may answer besides a success."""


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    type: str
    code: str
    retry_after_s: int | None = None


_KINDS: Mapping[type[Exception], _Kind] = {
    ContextOverflow: _Kind(400, CLIENT_ERROR, "context_length_exceeded"),
    InvalidRequest: _Kind(400, CLIENT_ERROR, "invalid_request"),
    EngineBusy: _Kind(503, SERVER_ERROR, "engine_busy", 1),
    EngineDied: _Kind(503, SERVER_ERROR, "engine_died", 1),
    EngineNotReady: _Kind(503, SERVER_ERROR, "engine_not_ready", 5),
    EngineLoadFailed: _Kind(500, SERVER_ERROR, "engine_load_failed"),
    ModelError: _Kind(500, SERVER_ERROR, "model_unavailable"),
}
_OTHER = _Kind(500, SERVER_ERROR, "internal_error")

_REFUSALS: Mapping[int, tuple[str, str]] = {
    404: ("There is no {method} {path}; the API page is at /docs", "unknown_url"),
    405: ("{path} does not take {method}; the API page is at /docs", "method_not_supported"),
    413: ("{detail}", "request_too_large"),
}
"""Message and code of what the framework itself refuses, by status."""


def install(app: FastAPI) -> None:
    """Answer every failure in OpenAI's shape."""
    app.add_exception_handler(CopilotdError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClientGone, _gone)
    app.add_exception_handler(Exception, _failed)


def error_response(
    status: int,
    detail: ErrorDetail,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer that carries `detail`."""
    body = ErrorResponse(error=detail).model_dump()
    return JSONResponse(body, status, headers=dict(headers or {}))


def detail_of(error: Exception) -> ErrorDetail:
    """What a client is told of `error`; of one that nobody foresaw, only that it is in the log."""
    kind = _kind(error)
    return ErrorDetail(message=_message(error), type=kind.type, code=kind.code)


def _kind(error: Exception) -> _Kind:
    return next((_KINDS[c] for c in type(error).__mro__ if c in _KINDS), _OTHER)


def _message(error: Exception) -> str:
    if not isinstance(error, CopilotdError):
        return "copilotd failed unexpectedly; its log says more: copilotd logs."
    return f"{error.message.rstrip('.')}. {error.hint}".strip()


async def _failed(request: Request, error: Exception) -> Response:
    kind = _kind(error)
    again = kind.retry_after_s
    headers = {} if again is None else {"Retry-After": str(again)}
    return error_response(kind.status, detail_of(error), headers)


async def _gone(request: Request, error: Exception) -> Response:
    # Nobody reads this if the client left; if the daemon is ending, somebody does.
    message = "the request was given up: its client is gone or the daemon is ending"
    detail = ErrorDetail(message=message, type=SERVER_ERROR, code="request_given_up")
    return error_response(503, detail, {"Retry-After": "1"})


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    pattern, code = _REFUSALS.get(error.status_code, ("{detail}", None))
    message = pattern.format(
        method=request.method, path=request.url.path, detail=str(error.detail).rstrip(".")
    )
    detail = ErrorDetail(message=f"{message}.", type=CLIENT_ERROR, code=code)
    return error_response(error.status_code, detail, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        detail = _invalid_body(f"The body is not JSON: {first['ctx']['error']}.")
    elif len(first["loc"]) == 1:
        detail = _invalid_body(
            "Send a JSON object, with the header Content-Type: application/json."
        )
    else:
        detail = _invalid_field(error)
    return error_response(400, detail)


def _invalid_body(message: str) -> ErrorDetail:
    return ErrorDetail(message=message, type=CLIENT_ERROR, code="invalid_body")


def _invalid_field(error: RequestValidationError) -> ErrorDetail:
    """The first field at fault, with all that is said of it (one line per member of a union)."""
    where = error.errors()[0]["loc"][1]
    same = [e for e in error.errors() if e["loc"][1] == where]
    said = " Or: ".join(dict.fromkeys(f"{_place(e)}: {e['msg']}." for e in same))
    return ErrorDetail(message=said, type=CLIENT_ERROR, param=str(where), code="invalid_value")


def _place(error: dict[str, Any]) -> str:
    return ".".join(str(part) for part in error["loc"][1:])
