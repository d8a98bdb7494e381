"""The HTTP application: every dialect behind one gate."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

import copilotd
from copilotd.access_token import AccessToken
from copilotd.config import ServerSection
from copilotd.http import admin, anthropic, copilot, docs, health, llama_cpp, ollama, openai, tabby
from copilotd.http.middleware.access_token import Door
from copilotd.http.middleware.host_and_origin import Gate
from copilotd.http.middleware.limits import BodyLimit, RequestLimit
from copilotd.http.services import Services
from copilotd.http.shared import errors

__all__ = ["Services", "build_app"]

_ABOUT = """\
One code model on your own machine, for every client that speaks one of these dialects.

* Point an OpenAI client at this address plus `/v1`. Any API key will do, unless the daemon wants
  its token (`copilotd token`) as the key. Any model name will do: the model that is for such
  requests answers. Where chat has a model of its own, a request can name either
  (`GET /v1/models`).
* Point an Anthropic client, or one of Ollama's or llama.cpp's, at this address itself.
* `POST /v1/completions` with a `suffix` fills in the middle, which is what a code model does best.
* Errors have the shape that a dialect's own clients expect. 503 with `Retry-After` means that the
  same request may succeed soon.
"""

_NO_TELEMETRY: dict[str, Any] = {
    "telemetry": {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
}
"""FastAPI can report requests to a collector that the environment names; nothing leaves here."""


def build_app(
    services: Services, settings: ServerSection, token: AccessToken | None = None
) -> FastAPI:
    """Everything that HTTP clients can ask for, answered by `services`.

    With a `token` nothing is answered to who does not show it.
    """
    app = FastAPI(
        title="copilotd",
        version=copilotd.__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        middleware=_middleware(settings, token),
        **_NO_TELEMETRY,
    )
    app.state.services = services
    for dialect in (openai, anthropic, ollama, copilot, llama_cpp, tabby, health, admin, docs):
        app.include_router(dialect.router)
    errors.install(app)
    return app


def _middleware(settings: ServerSection, token: AccessToken | None) -> list[Middleware]:
    """Outermost first: nothing answers a stranger, not even a CORS preflight.

    A preflight of a page that is welcome cannot show a token, so CORS stands before the door.
    """
    origins = settings.allowed_origins
    cors = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"]
    )
    return [
        Middleware(Gate, settings),
        *([cors] if origins else []),
        Middleware(Door, token),
        Middleware(RequestLimit, settings.max_requests),
        Middleware(BodyLimit),
    ]
