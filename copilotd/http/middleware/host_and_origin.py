"""Who may call: programs of this machine, and no web page unless the settings name its origin.

A page in the user's browser can reach a server on loopback: directly, or through a name of its own
that resolves to 127.0.0.1 (DNS rebinding). A program cannot be made to send a false Host or Origin
by a page, so these headers decide, on every path and before anything else runs.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from copilotd.config import ServerSection
from copilotd.http.shared.error_bodies import CLIENT_ERROR, ErrorDetail
from copilotd.http.shared.errors import error_response

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/]+)(:\d+)?")
_OURS = ("none", "same-origin")
"""Values of Sec-Fetch-Site that no foreign page can cause."""


class Gate:
    """ASGI middleware that lets nobody through whom the settings do not allow."""

    def __init__(self, app: ASGIApp, settings: ServerSection) -> None:
        self._app = app
        self._hosts = {host.lower() for host in (settings.host, *settings.allowed_hosts)}
        self._origins = frozenset(settings.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403 (and close a websocket before it is open)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await _refuse(refusal, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ErrorDetail | None:
        headers = Headers(scope=scope)
        return (
            self._wrong_host(headers.getlist("host"), scope)
            or self._wrong_origin(headers.getlist("origin"), headers, scope)
            or self._wrong_site(headers)
        )

    def _wrong_host(self, values: Sequence[str], scope: Scope) -> ErrorDetail | None:
        name = _name(values[0]) if len(values) == 1 else ""
        if name and (_is_loopback(name) or name in self._hosts or _is_own_address(name, scope)):
            return None
        return _detail(
            f"The Host header {', '.join(values)!r} is not allowed here; "
            "add it to server.allowed_hosts if it is yours.",
            "host_not_allowed",
        )

    def _wrong_origin(
        self, values: Sequence[str], headers: Headers, scope: Scope
    ) -> ErrorDetail | None:
        if not values or (len(values) == 1 and self._is_welcome(values[0], headers, scope)):
            return None
        return _detail(
            f"Web pages from {', '.join(values)!r} may not call copilotd; "
            "add the origin to server.allowed_origins if they shall.",
            "origin_not_allowed",
        )

    def _is_welcome(self, origin: str, headers: Headers, scope: Scope) -> bool:
        return origin in self._origins or origin == _own_origin(headers, scope)

    def _wrong_site(self, headers: Headers) -> ErrorDetail | None:
        sites = set(headers.getlist("sec-fetch-site"))
        if sites.issubset(_OURS) or headers.get("origin") in self._origins:
            return None
        return _detail("Another site's page may not call copilotd.", "cross_site_request")


def _name(host: str) -> str:
    """The Host header without its port and brackets; empty if it is none."""
    match = _HOST.fullmatch(host)
    return match["name"].strip("[]").lower() if match else ""


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own_address(name: str, scope: Scope) -> bool:
    """Whether the client named the very address it reached: that is never a rebound name."""
    address, *_ = scope.get("server") or [""]
    reached = _address(str(address))
    return reached is not None and _address(name) == reached


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in one form: a socket for both kinds tells IPv4 ones as ::ffff:192.168.1.7."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _own_origin(headers: Headers, scope: Scope) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    return f"{scheme}://{headers['host']}"


def _detail(message: str, code: str) -> ErrorDetail:
    return ErrorDetail(message=message, type=CLIENT_ERROR, code=code)


async def _refuse(detail: ErrorDetail, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": detail.code})
    else:
        await error_response(scope["path"], 403, detail)(scope, receive, send)
