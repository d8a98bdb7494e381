"""Refuses web pages: only programs may call, and the pages whose origin the settings allow.

A page in the user's browser can reach a server on loopback, directly or through a domain name that
resolves to 127.0.0.1 (DNS rebinding). A page cannot forge the Host and Origin headers that the
browser sends, so these headers decide, on every path and before anything else runs.

This check is written by hand. Starlette's TrustedHostMiddleware compares one Host header with a
fixed list of names: it accepts a request with several Host headers, cannot allow all loopback
addresses and the address at which the client reached this server, and does not look at Origin.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from copilotd.config import ServerSection
from copilotd.http.shared.error_bodies import CLIENT_ERROR, ErrorDetail
from copilotd.http.shared.errors import ErrorResponses

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/]+)(:\d+)?")
_OWN_SITES = ("none", "same-origin")
"""Values of Sec-Fetch-Site that a request from a page of another site never has."""


class HostOriginMiddleware:
    """ASGI middleware that answers 403 unless Host, Origin and Sec-Fetch-Site are allowed."""

    def __init__(self, app: ASGIApp, settings: ServerSection, errors: ErrorResponses) -> None:
        self._app = app
        self._errors = errors
        self._hosts = {host.lower() for host in (settings.host, *settings.allowed_hosts)}
        self._origins = frozenset(settings.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403 (or close a websocket before it opens)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif violation := self._find_violation(scope):
            await self._refuse(violation, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _refuse(
        self, violation: ErrorDetail, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": violation.code})
        else:
            await self._errors.build(scope["path"], 403, violation)(scope, receive, send)

    def _find_violation(self, scope: Scope) -> ErrorDetail | None:
        headers = Headers(scope=scope)
        return (
            self._check_host(headers.getlist("host"), scope)
            or self._check_origin(headers.getlist("origin"), headers, scope)
            or self._check_site(headers)
        )

    def _check_host(self, values: Sequence[str], scope: Scope) -> ErrorDetail | None:
        name = _parse_host(values[0]) if len(values) == 1 else ""
        if name and (_is_loopback(name) or name in self._hosts or _is_own_address(name, scope)):
            return None
        return _build_detail(
            f"The Host header {', '.join(values)!r} is not allowed here; "
            "add it to server.allowed_hosts if it is yours.",
            "host_not_allowed",
        )

    def _check_origin(
        self, values: Sequence[str], headers: Headers, scope: Scope
    ) -> ErrorDetail | None:
        if not values or (len(values) == 1 and self._is_allowed(values[0], headers, scope)):
            return None
        return _build_detail(
            f"Web pages from {', '.join(values)!r} may not call copilotd; "
            "add the origin to server.allowed_origins if you want to allow them.",
            "origin_not_allowed",
        )

    def _is_allowed(self, origin: str, headers: Headers, scope: Scope) -> bool:
        return origin in self._origins or origin == _build_own_origin(headers, scope)

    def _check_site(self, headers: Headers) -> ErrorDetail | None:
        sites = set(headers.getlist("sec-fetch-site"))
        if sites.issubset(_OWN_SITES) or headers.get("origin") in self._origins:
            return None
        return _build_detail("Another site's page may not call copilotd.", "cross_site_request")


def _parse_host(host: str) -> str:
    """The Host header without its port and brackets; empty if it is not valid."""
    match = _HOST.fullmatch(host)
    return match["name"].strip("[]").lower() if match else ""


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own_address(name: str, scope: Scope) -> bool:
    """Whether the Host is the address at which the client reached this server.

    DNS rebinding needs a domain name, so an address is safe.
    """
    address, *_ = scope.get("server") or [""]
    reached = _parse_address(str(address))
    return reached is not None and _parse_address(name) == reached


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address; a dual-stack socket writes an IPv4 one as ::ffff:192.168.1.7."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _build_own_origin(headers: Headers, scope: Scope) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    return f"{scheme}://{headers['host']}"


def _build_detail(message: str, code: str) -> ErrorDetail:
    return ErrorDetail(message=message, type=CLIENT_ERROR, code=code)
