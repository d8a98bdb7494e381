"""Who has to show the access token, and what becomes of credentials.

No credential goes further than this: what is not there cannot be logged, stored or forwarded.
GitHub's token arrives here when Copilot is pointed at us, and any key of a cloud's that a client
sends out of habit.
"""

from collections.abc import Iterator

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from copilotd.access_token import AccessToken
from copilotd.http.shared.error_bodies import CLIENT_ERROR, ErrorDetail
from copilotd.http.shared.errors import error_response

_SECRET = (b"authorization", b"proxy-authorization", b"cookie", b"x-api-key", b"api-key")
_KEYS = (b"x-api-key", b"api-key")
_BEARER = b"bearer "
_MISSING = ErrorDetail(
    message="This daemon wants to see its token; `copilotd token` prints it. "
    "Send it as the API key, or as Authorization: Bearer.",
    type=CLIENT_ERROR,
    code="invalid_api_key",
)


class Door:
    """ASGI middleware that lets in who shows the token; without one, everybody.

    Everybody may ask `/health` whether the daemon lives, and learns no more than that.
    """

    def __init__(self, app: ASGIApp, token: AccessToken | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without its credentials, or answer 401."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif self._token is None or self._token.is_among(_shown(scope)):
            await self._app(_without_credentials(scope), receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": _MISSING.code})
        else:
            await _refusal(scope)(scope, receive, send)


def _shown(scope: Scope) -> Iterator[bytes]:
    for name, value in scope["headers"]:
        if name in _KEYS:
            yield value
        elif name == b"authorization" and value.lower().startswith(_BEARER):
            yield value[len(_BEARER) :].strip()


def _without_credentials(scope: Scope) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name not in _SECRET]
    return {**scope, "headers": kept}


def _refusal(scope: Scope) -> JSONResponse:
    if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
        return JSONResponse({"status": "ok"})
    return error_response(scope["path"], 401, _MISSING, {"WWW-Authenticate": "Bearer"})
