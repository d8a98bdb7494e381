"""Bodies whose sender does not say that they are JSON."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

_JSON = (b"content-type", b"application/json")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class UntypedRoute(APIRoute):
    """Reads every body as JSON: with curl's default header, as in Ollama's manual, or with none.

    Elsewhere the header is asked for. It keeps no stranger out here: a web page that sends a body
    without asking first still names its origin.
    """

    def get_route_handler(self) -> Handler:
        """The handler, which sees the header that should have been sent."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            others = [pair for pair in request.scope["headers"] if pair[0] != _JSON[0]]
            scope = {**request.scope, "headers": [*others, _JSON]}
            return await handle(Request(scope, request.receive))

        return handler
