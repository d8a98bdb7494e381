"""The HTTP application: all dialects, with the same checks in front."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

import copilotd
from copilotd.access_token import AccessToken
from copilotd.config import ServerSection
from copilotd.http import (
    admin,
    anthropic,
    copilot,
    docs,
    health,
    llama_cpp,
    ollama,
    openai,
    tabby,
    v1_completions,
)
from copilotd.http.middleware.access_token import TokenMiddleware
from copilotd.http.middleware.host_and_origin import HostOriginMiddleware
from copilotd.http.middleware.limits import BodyLimit, RequestLimit
from copilotd.http.services import Services
from copilotd.http.shared.errors import ErrorResponses

__all__ = ["Services", "build_app"]

_DESCRIPTION = """\
One code model on your own machine, for every client that speaks one of these dialects.

* Point an OpenAI client at this address plus `/v1`. Any API key works, unless the daemon requires
  its token (`copilotd token`) as the key. Any model name works: an unknown name selects the default
  model for the request. If chat has its own model, a request can name either of the two
  (`GET /v1/models`).
* Point an Anthropic, Ollama or llama.cpp client at this address itself.
* `POST /v1/completions` with a `suffix` fills in the middle, which is what a code model does best.
* Errors have the shape that the clients of the dialect expect. 503 with `Retry-After` means that
  the same request may succeed later.
"""

_ROUTES = (
    v1_completions,
    openai,
    anthropic,
    ollama,
    copilot,
    llama_cpp,
    tabby,
    health,
    admin,
    docs,
)
"""Each has a `router`; the API page lists them in this order."""

_NO_TELEMETRY: dict[str, Any] = {
    "telemetry": {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
}
"""FastAPI can send telemetry to a collector that the environment names; copilotd sends nothing."""


def build_app(
    services: Services, settings: ServerSection, token: AccessToken | None = None
) -> FastAPI:
    """The whole HTTP API on top of `services`.

    If there is a `token`, requests without it get 401.
    """
    errors = ErrorResponses((anthropic.ERRORS, ollama.ERRORS, llama_cpp.ERRORS))
    app = FastAPI(
        title="copilotd",
        version=copilotd.__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        middleware=_middleware(settings, token, errors),
        **_NO_TELEMETRY,
    )
    app.state.services = services
    for module in _ROUTES:
        app.include_router(module.router)
    errors.install(app)
    return app


def _middleware(
    settings: ServerSection, token: AccessToken | None, errors: ErrorResponses
) -> list[Middleware]:
    """The middleware, outermost first. The check of Host and Origin runs first, even before CORS.

    CORS comes before the token, because a browser sends no token with a preflight.
    """
    origins = settings.allowed_origins
    cors = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"]
    )
    return [
        Middleware(HostOriginMiddleware, settings, errors),
        *([cors] if origins else []),
        Middleware(TokenMiddleware, token, errors),
        Middleware(RequestLimit, settings.max_requests, errors),
        Middleware(BodyLimit),
    ]
