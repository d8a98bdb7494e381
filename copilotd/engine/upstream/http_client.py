"""HTTP to the upstream, and what its failures mean.

The key is sent in a header and stands nowhere else: redirects are not followed, and no error or
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

CONNECT_S = 3.0
"""For a host that is switched off: until then nobody knows that the local model should answer."""
KEPT_S = 3.0
"""How long a connection is kept for the next request."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_IS_IT = "Is it running, and is upstream.url right? copilotd doctor looks."
_LONGEST_MESSAGE = 300
_TOO_LONG = re.compile(r"exceed_context_size|context (length|size|window)", re.IGNORECASE)


class HttpClient:
    """One server; `url` is its root, without /v1."""

    def __init__(self, settings: UpstreamSection, key: str) -> None:
        self.url = settings.url.rstrip("/").removesuffix("/v1").rstrip("/")
        self._timeout_s = settings.timeout_s
        self._http = httpx2.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(settings.timeout_s, connect=min(CONNECT_S, settings.timeout_s)),
            # One at most, since llama-server has a thread wait at each of the few that it takes;
            # and shorter than the servers' own time, so that none is used just as it is closed.
            limits=httpx2.Limits(max_keepalive_connections=1, keepalive_expiry=KEPT_S),
            # A proxy leads out of this machine, and not back to it.
            trust_env=not is_loopback(self.url),
        )

    async def get(self, path: str, kind: type[T]) -> T | None:
        """The JSON at `path`; None if there is no such thing, or not in this form.

        Raises: UpstreamFailed, EngineBusy.
        """
        try:
            answer = await self._http.get(path)
        except httpx2.HTTPError as error:
            raise self._outage(error) from error
        if answer.status_code in (404, 405, 501):
            return None
        if answer.is_error:
            raise self._refusal(path, answer.status_code, answer.content)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError:
            return None

    async def post(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        """The JSON answer to `body`.

        Raises: UpstreamFailed, EngineBusy, InvalidRequest, ContextOverflow.
        """
        try:
            answer = await self._http.post(path, content=msgspec.json.encode(body), headers=_JSON)
        except httpx2.HTTPError as error:
            raise self._outage(error) from error
        if answer.is_error:
            raise self._refusal(path, answer.status_code, answer.content)
        return self._decoded(path, answer.content, kind)

    async def stream(
        self, path: str, body: Mapping[str, Any], kind: type[T]
    ) -> AsyncGenerator[T, None]:
        """The events of a streamed answer; closing it closes the connection, which is the cancel.

        Raises: as `post`.
        """
        sent = msgspec.json.encode({**body, "stream": True})
        try:
            async with self._http.stream("POST", path, content=sent, headers=_JSON) as answer:
                if answer.is_error:
                    raise self._refusal(path, answer.status_code, await answer.aread())
                async for line in answer.aiter_lines():
                    if (data := _data(line)) is not None:
                        yield self._event(path, data, kind)
        except httpx2.HTTPError as error:
            raise self._outage(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _event(self, path: str, data: bytes, kind: type[T]) -> T:
        said = self._decoded(path, data, _Said)
        if said.error is not None:
            raise self._refusal(path, said.error.code_number, data)
        return self._decoded(path, data, kind)

    def _decoded(self, path: str, data: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError as error:
            raise UpstreamFailed(
                f"{self.url}{path} answers in a form that copilotd does not know: {error}",
                "Is it a llama-server, or does it speak OpenAI's dialect?",
            ) from error

    def _outage(self, error: httpx2.HTTPError) -> UpstreamFailed:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return UpstreamFailed(f"nothing answers at {self.url}{_why(error)}", _IS_IT)
        if isinstance(error, httpx2.TimeoutException):
            return UpstreamFailed(
                f"{self.url} was silent for {self._timeout_s:g} s",
                "It may have too much to do; upstream.timeout_s sets the limit.",
            )
        return UpstreamFailed(f"{self.url} ended the connection{_why(error)}", _IS_IT)

    def _refusal(self, path: str, status: int, body: bytes) -> CopilotdError:
        said = _message(body)
        told = f"{self.url}{path} answers {status}: {said}"
        if status in (401, 403):
            return UpstreamFailed(
                f"{self.url} refuses the key ({status})", "Set upstream.key or upstream.key_file."
            )
        if status == 429:
            return EngineBusy(told, "Try again in a moment.")
        if status == 503:
            return UpstreamFailed(told, "It may be loading its model: try again in a moment.")
        if status in (400, 413, 422) and _TOO_LONG.search(said):
            return ContextOverflow(told, "Start a new conversation, or give the server more.")
        if status in (400, 413, 422, 501):
            return InvalidRequest(told)
        return UpstreamFailed(told, "Its own log says more; copilotd doctor looks at it.")


_JSON = {"Content-Type": "application/json"}


class _Error(msgspec.Struct):
    message: str = ""
    type: Any = None
    code: Any = None

    @property
    def code_number(self) -> int:
        return self.code if isinstance(self.code, int) else 500


class _Said(msgspec.Struct):
    error: _Error | None = None
    message: str = ""
    type: Any = None


def is_loopback(url: str) -> bool:
    """Whether `url` is this machine."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def _data(line: str) -> bytes | None:
    """What an event of a stream carries; None for its other lines, and for its last event."""
    # llama-server names the field "error" where a generation fails after its beginning.
    field, _, data = line.partition(":")
    data = data.strip()
    if field not in ("data", "error") or not data or data == "[DONE]":
        return None
    return data.encode() if field == "data" else b'{"error":%s}' % data.encode()


def _message(body: bytes) -> str:
    """What the server says of its failure, in its own words, shortened."""
    try:
        said = msgspec.json.decode(body, type=_Said)
    except msgspec.MsgspecError:
        return body.decode("utf-8", "replace").strip()[:_LONGEST_MESSAGE] or "(nothing)"
    told = said.error or _Error(said.message, said.type)
    kind = f" ({told.type})" if isinstance(told.type, str) else ""
    return f"{told.message[:_LONGEST_MESSAGE]}{kind}"


def _why(error: Exception) -> str:
    return f": {error}" if str(error) else ""
