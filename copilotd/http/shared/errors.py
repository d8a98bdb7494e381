"""Maps each failure to an HTTP status and to the text that the client reads.

A client may retry a 503 after `Retry-After` seconds. Retrying any other error is useless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
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
    SERVER_ERROR,
    ErrorBody,
    ErrorDetail,
    ErrorShape,
    WriteError,
    write_openai_error,
)
from copilotd.http.shared.fields import DIALECT_TAG


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
_UNEXPECTED = _Kind(500, SERVER_ERROR, "internal_error")

_FRAMEWORK_ERRORS: Mapping[int, tuple[str, str]] = {
    404: ("There is no {method} {path}; the API page is at /docs", "unknown_url"),
    405: ("{path} does not accept {method}; the API page is at /docs", "method_not_supported"),
    413: ("{detail}", "request_too_large"),
}
"""Message and code of the errors that the framework itself raises, by status."""


class ErrorResponses:
    """Builds every error response, in the shape of the dialect that the request's path belongs to.

    A path that matches none of `shapes` gets OpenAI's shape.
    """

    def __init__(self, shapes: Sequence[ErrorShape]) -> None:
        self._shapes = tuple(shapes)

    def install(self, app: FastAPI) -> None:
        """Handle every exception of `app`."""
        app.add_exception_handler(CopilotdError, self._handle_failure)
        app.add_exception_handler(RequestValidationError, self._handle_invalid_request)
        app.add_exception_handler(HTTPException, self._handle_http_exception)
        app.add_exception_handler(ClientGone, self._handle_client_gone)
        app.add_exception_handler(Exception, self._handle_failure)

    def build(
        self,
        path: str,
        status: int,
        detail: ErrorDetail,
        headers: Mapping[str, str] | None = None,
        error: Exception | None = None,
    ) -> JSONResponse:
        """The error response to a request for `path`; `error` is its exception, if there is one."""
        # A message can quote half a surrogate pair from a request, and UTF-8 cannot encode that.
        message = detail.message.encode("utf-8", "replace").decode()
        readable = detail.model_copy(update={"message": message})
        body = self._find_writer(path)(status, readable, error)
        return JSONResponse(body, status, headers=dict(headers or {}))

    def _find_writer(self, path: str) -> WriteError:
        return next(
            (shape.write for shape in self._shapes if shape.includes(path)), write_openai_error
        )

    async def _handle_failure(self, request: Request, error: Exception) -> Response:
        kind = _find_kind(error)
        delay = kind.retry_after_s
        headers = {} if delay is None else {"Retry-After": str(delay)}
        return self.build(request.url.path, kind.status, describe_error(error), headers, error)

    async def _handle_client_gone(self, request: Request, error: Exception) -> Response:
        # A client that hung up reads nothing. If the daemon is stopping, the client is still there.
        message = "the request was cancelled: its client hung up or the daemon is stopping"
        detail = ErrorDetail(message=message, type=SERVER_ERROR, code="request_given_up")
        return self.build(request.url.path, 503, detail, {"Retry-After": "1"})

    async def _handle_http_exception(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        pattern, code = _FRAMEWORK_ERRORS.get(error.status_code, ("{detail}", None))
        message = pattern.format(
            method=request.method, path=request.url.path, detail=str(error.detail).rstrip(".")
        )
        detail = ErrorDetail(message=f"{message}.", type=CLIENT_ERROR, code=code)
        return self.build(request.url.path, error.status_code, detail, error.headers)

    async def _handle_invalid_request(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return self.build(request.url.path, 400, _describe_invalid_request(error))


def describe_error(error: Exception) -> ErrorDetail:
    """The text that a client reads about `error`; an unexpected one only points to the log."""
    kind = _find_kind(error)
    return ErrorDetail(message=_build_message(error), type=kind.type, code=kind.code)


def build_body(error: Exception, write: WriteError) -> ErrorBody:
    """The error as `write` shapes it, for a response whose status has already been sent."""
    return write(_find_kind(error).status, describe_error(error), error)


def _find_kind(error: Exception) -> _Kind:
    return next((_KINDS[c] for c in type(error).__mro__ if c in _KINDS), _UNEXPECTED)


def _build_message(error: Exception) -> str:
    if not isinstance(error, CopilotdError):
        return "copilotd failed unexpectedly; its log says more: copilotd logs."
    return f"{error.message.rstrip('.')}. {error.hint}".strip()


def _describe_invalid_request(error: RequestValidationError) -> ErrorDetail:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return _describe_invalid_body(f"The body is not JSON: {first['ctx']['error']}.")
    if not _find_location(first):
        return _describe_invalid_body(
            "Send a JSON object, with the header Content-Type: application/json."
        )
    return _describe_invalid_field(error)


def _describe_invalid_body(message: str) -> ErrorDetail:
    return ErrorDetail(message=message, type=CLIENT_ERROR, code="invalid_body")


def _describe_invalid_field(error: RequestValidationError) -> ErrorDetail:
    """The first wrong field with all its errors (a union has one error for each of its members)."""
    field = _find_location(error.errors()[0])[0]
    same_field = [e for e in error.errors() if _find_location(e)[:1] == (field,)]
    lines = dict.fromkeys(f"{_format_location(e)}: {e['msg']}." for e in same_field)
    message = " Or: ".join(lines)
    return ErrorDetail(message=message, type=CLIENT_ERROR, param=str(field), code="invalid_value")


def _format_location(error: dict[str, Any]) -> str:
    return ".".join(map(str, _find_location(error)))


def _find_location(error: dict[str, Any]) -> tuple[str | int, ...]:
    """The path to the field in the body, without the tag of a dialect."""
    _, *path = error["loc"]
    is_tagged = bool(path) and str(path[0]).startswith(DIALECT_TAG)
    return tuple(path[1:] if is_tagged else path)
