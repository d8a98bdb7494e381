"""Requires the access token, and removes all credentials from the requests that it passes on.

Code behind this middleware sees no credentials, so it cannot log, store or forward them. Clients do
send credentials: GitHub's token comes when Copilot points at this server, and some clients send a
cloud API key to every server.
"""

from collections.abc import Iterator

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from copilotd.access_token import AccessToken
from copilotd.http.shared.error_bodies import CLIENT_ERROR, ErrorDetail
from copilotd.http.shared.errors import ErrorResponses

_CREDENTIALS = (b"authorization", b"proxy-authorization", b"cookie", b"x-api-key", b"api-key")
_KEYS = (b"x-api-key", b"api-key")
_BEARER = b"bearer "
_NO_TOKEN = ErrorDetail(
    message="This daemon requires its access token; `copilotd token` prints it. "
    "Send it as the API key, or as Authorization: Bearer.",
    type=CLIENT_ERROR,
    code="invalid_api_key",
)


class TokenMiddleware:
    """ASGI middleware that answers 401 to a request without the token.

    Without a `token`, it lets every request through. `/health` answers everybody, but a client
    without the token learns only that the daemon is running.
    """

    def __init__(self, app: ASGIApp, token: AccessToken | None, errors: ErrorResponses) -> None:
        self._app = app
        self._token = token
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without its credentials, or answer 401."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif self._token is None or self._token.is_among(_find_tokens(scope)):
            await self._app(_remove_credentials(scope), receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": _NO_TOKEN.code})
        else:
            await self._refuse(scope)(scope, receive, send)

    def _refuse(self, scope: Scope) -> JSONResponse:
        if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
            return JSONResponse({"status": "ok"})
        return self._errors.build(scope["path"], 401, _NO_TOKEN, {"WWW-Authenticate": "Bearer"})


def _find_tokens(scope: Scope) -> Iterator[bytes]:
    for name, value in scope["headers"]:
        if name in _KEYS:
            yield value
        elif name == b"authorization" and value.lower().startswith(_BEARER):
            yield value[len(_BEARER) :].strip()


def _remove_credentials(scope: Scope) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name not in _CREDENTIALS]
    return {**scope, "headers": kept}
