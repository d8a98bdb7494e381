"""JSON bodies whose sender does not declare them as JSON."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

_JSON = (b"content-type", b"application/json")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class UntypedRoute(APIRoute):
    """Reads every body as JSON, also with curl's default Content-Type (Ollama's manual) or none.

    Other routes require the header. Doing without it opens nothing to web pages: a page that sends
    a body without a CORS preflight still sends its Origin, and that is checked on every path.
    """

    def get_route_handler(self) -> Handler:
        """Add the header that the client should have sent, then call the handler."""
        handle = super().get_route_handler()

        async def handle_as_json(request: Request) -> Response:
            others = [pair for pair in request.scope["headers"] if pair[0] != _JSON[0]]
            scope = {**request.scope, "headers": [*others, _JSON]}
            return await handle(Request(scope, request.receive))

        return handle_as_json
