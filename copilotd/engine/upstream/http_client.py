"""HTTP requests to an upstream server, and the typed errors for its failures.

The key is sent in a header and appears nowhere else: redirects are not followed, and no error or
log line repeats a header.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from copilotd.config import UpstreamSection
from copilotd.errors import (
    ContextOverflow,
    CopilotdError,
    EngineBusy,
    InvalidRequest,
    UpstreamFailed,
)

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 3.0
"""Short, because the local model takes over for a switched-off host only after this time."""
_KEEP_ALIVE_S = 3.0
"""An unused connection is kept open this long for the next request."""
_LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
_CONNECT_HINT = "Is it running, and is upstream.url right? Run copilotd doctor."
_MAX_MESSAGE_LENGTH = 300
_CONTEXT_OVERFLOW = re.compile(r"exceed_context_size|context (length|size|window)", re.IGNORECASE)


class HttpClient:
    """Sends requests to one server; `url` is its root, without /v1."""

    def __init__(self, settings: UpstreamSection, key: str) -> None:
        self.url = settings.url.rstrip("/").removesuffix("/v1").rstrip("/")
        self._timeout_s = settings.timeout_s
        self._http = httpx2.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(
                settings.timeout_s, connect=min(_CONNECT_TIMEOUT_S, settings.timeout_s)
            ),
            # At most one idle connection, because each occupies one of llama-server's few threads.
            # It is kept for a shorter time than servers keep it, so no server closes it while it is
            # used.
            limits=httpx2.Limits(max_keepalive_connections=1, keepalive_expiry=_KEEP_ALIVE_S),
            # A proxy cannot reach the loopback addresses of this machine.
            trust_env=not is_loopback(self.url),
        )

    async def get(self, path: str, kind: type[T]) -> T | None:
        """The JSON at `path` as `kind`; None if the path does not exist or has another format.

        Raises: UpstreamFailed, EngineBusy.
        """
        try:
            answer = await self._http.get(path)
        except httpx2.HTTPError as error:
            raise self._build_outage(error) from error
        if answer.status_code in (404, 405, 501):
            return None
        if answer.is_error:
            raise self._build_refusal(path, answer.status_code, answer.content)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError:
            return None

    async def post(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        """The JSON answer to `body`, as `kind`.

        Raises: UpstreamFailed, EngineBusy, InvalidRequest, ContextOverflow.
        """
        try:
            answer = await self._http.post(path, content=msgspec.json.encode(body), headers=_JSON)
        except httpx2.HTTPError as error:
            raise self._build_outage(error) from error
        if answer.is_error:
            raise self._build_refusal(path, answer.status_code, answer.content)
        return self._decode(path, answer.content, kind)

    async def stream(
        self, path: str, body: Mapping[str, Any], kind: type[T]
    ) -> AsyncGenerator[T, None]:
        """Yield the events of a streamed answer, as `kind`.

        Closing the generator closes the connection, which cancels the request.

        Raises: as `post`.
        """
        content = msgspec.json.encode({**body, "stream": True})
        try:
            async with self._http.stream("POST", path, content=content, headers=_JSON) as answer:
                if answer.is_error:
                    raise self._build_refusal(path, answer.status_code, await answer.aread())
                async for line in answer.aiter_lines():
                    if (data := _parse_event_line(line)) is not None:
                        yield self._decode_event(path, data, kind)
        except httpx2.HTTPError as error:
            raise self._build_outage(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _decode_event(self, path: str, data: bytes, kind: type[T]) -> T:
        body = self._decode(path, data, _ErrorBody)
        if body.error is not None:
            raise self._build_refusal(path, body.error.status, data)
        return self._decode(path, data, kind)

    def _decode(self, path: str, data: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError as error:
            raise UpstreamFailed(
                f"{self.url}{path} answers in an unknown format: {error}",
                "upstream.url must be a llama-server or a server with OpenAI's API.",
            ) from error

    def _build_outage(self, error: httpx2.HTTPError) -> UpstreamFailed:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return UpstreamFailed(f"nothing answers at {self.url}{_reason(error)}", _CONNECT_HINT)
        if isinstance(error, httpx2.TimeoutException):
            return UpstreamFailed(
                f"{self.url} was silent for {self._timeout_s:g} s",
                "It may be overloaded; upstream.timeout_s sets the limit.",
            )
        return UpstreamFailed(f"{self.url} ended the connection{_reason(error)}", _CONNECT_HINT)

    def _build_refusal(self, path: str, status: int, body: bytes) -> CopilotdError:
        reason = _read_error(body)
        message = f"{self.url}{path} answers {status}: {reason}"
        if status in (401, 403):
            return UpstreamFailed(
                f"{self.url} refuses the key ({status})", "Set upstream.key or upstream.key_file."
            )
        if status == 429:
            return EngineBusy(message, "Try again in a moment.")
        if status == 503:
            return UpstreamFailed(message, "It may be loading its model: try again in a moment.")
        if status in (400, 413, 422) and _CONTEXT_OVERFLOW.search(reason):
            return ContextOverflow(
                message, "Start a new conversation, or give the server a larger context."
            )
        if status in (400, 413, 422, 501):
            return InvalidRequest(message)
        return UpstreamFailed(message, "See the server's own log, or run copilotd doctor.")


_JSON = {"Content-Type": "application/json"}


class _Error(msgspec.Struct):
    message: str = ""
    type: Any = None
    code: Any = None

    @property
    def status(self) -> int:
        """The HTTP status that matches the error."""
        return self.code if isinstance(self.code, int) else 500


class _ErrorBody(msgspec.Struct):
    error: _Error | None = None
    message: str = ""
    type: Any = None


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine."""
    return (urlsplit(url).hostname or "") in _LOOPBACK_HOSTS


def _parse_event_line(line: str) -> bytes | None:
    """The data of a line of an event stream; None for other lines and for the last event."""
    # llama-server names the field "error" if a generation fails after it has begun.
    field, _, data = line.partition(":")
    data = data.strip()
    if field not in ("data", "error") or not data or data == "[DONE]":
        return None
    return data.encode() if field == "data" else b'{"error":%s}' % data.encode()


def _read_error(body: bytes) -> str:
    """The error message in the server's answer, shortened."""
    try:
        answer = msgspec.json.decode(body, type=_ErrorBody)
    except msgspec.MsgspecError:
        return body.decode("utf-8", "replace").strip()[:_MAX_MESSAGE_LENGTH] or "(nothing)"
    error = answer.error or _Error(answer.message, answer.type)
    kind = f" ({error.type})" if isinstance(error.type, str) else ""
    return f"{error.message[:_MAX_MESSAGE_LENGTH]}{kind}"


def _reason(error: Exception) -> str:
    return f": {error}" if str(error) else ""
