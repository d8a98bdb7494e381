"""Errors on the wire: which failure has which status, and how a client learns of it.

A client may retry a 503 after `Retry-After` seconds; it need not retry anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
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
    UpstreamFailed,
)
from copilotd.http.shared.disconnect import ClientGone
from copilotd.http.shared.error_bodies import (
    CLIENT_ERROR,
    LLAMA_CPP,
    SERVER_ERROR,
    ErrorDetail,
    shaped,
)


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
    UpstreamFailed: _Kind(503, SERVER_ERROR, "upstream_failed", 5),
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
    """Answer every failure in the shape that its client knows."""
    app.add_exception_handler(CopilotdError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClientGone, _gone)
    app.add_exception_handler(Exception, _failed)


def error_response(
    path: str,
    status: int,
    detail: ErrorDetail,
    headers: Mapping[str, str] | None = None,
    error: Exception | None = None,
) -> JSONResponse:
    """The answer that carries `detail`, of `error` if there is one, to a request for `path`."""
    # What is quoted of a request can have halves of surrogate pairs, which no answer can.
    message = detail.message.encode("utf-8", "replace").decode()
    readable = detail.model_copy(update={"message": message})
    body = shaped(path, status, readable, error).model_dump(exclude_unset=path in LLAMA_CPP)
    return JSONResponse(body, status, headers=dict(headers or {}))


def failure(path: str, error: Exception) -> BaseModel:
    """What a request for `path` is told of `error` when its answer has begun already."""
    return shaped(path, _kind(error).status, detail_of(error), error)


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
    return error_response(request.url.path, kind.status, detail_of(error), headers, error)


async def _gone(request: Request, error: Exception) -> Response:
    # Nobody reads this if the client left; if the daemon is ending, somebody does.
    message = "the request was given up: its client is gone or the daemon is ending"
    detail = ErrorDetail(message=message, type=SERVER_ERROR, code="request_given_up")
    return error_response(request.url.path, 503, detail, {"Retry-After": "1"})


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    pattern, code = _REFUSALS.get(error.status_code, ("{detail}", None))
    message = pattern.format(
        method=request.method, path=request.url.path, detail=str(error.detail).rstrip(".")
    )
    detail = ErrorDetail(message=f"{message}.", type=CLIENT_ERROR, code=code)
    return error_response(request.url.path, error.status_code, detail, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        detail = _invalid_body(f"The body is not JSON: {first['ctx']['error']}.")
    elif not _path(first):
        detail = _invalid_body(
            "Send a JSON object, with the header Content-Type: application/json."
        )
    else:
        detail = _invalid_field(error)
    return error_response(request.url.path, 400, detail)


def _invalid_body(message: str) -> ErrorDetail:
    return ErrorDetail(message=message, type=CLIENT_ERROR, code="invalid_body")


def _invalid_field(error: RequestValidationError) -> ErrorDetail:
    """The first field at fault, with all that is said of it (one line per member of a union)."""
    where = _path(error.errors()[0])[0]
    same = [e for e in error.errors() if _path(e)[:1] == (where,)]
    said = " Or: ".join(dict.fromkeys(f"{_place(e)}: {e['msg']}." for e in same))
    return ErrorDetail(message=said, type=CLIENT_ERROR, param=str(where), code="invalid_value")


def _place(error: dict[str, Any]) -> str:
    return ".".join(map(str, _path(error)))


def _path(error: dict[str, Any]) -> tuple[str | int, ...]:
    """The way to the field; where a path serves several dialects, without the dialect's name."""
    _, *path = error["loc"]
    return tuple(path[1:] if path[:1] in (["openai"], ["tabby"]) else path)
