"""The HTTP application: every dialect behind one gate."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

import copilotd
from copilotd.config import ServerSection
from copilotd.http import admin, copilot, docs, errors, health, openai
from copilotd.http.limits import BodyLimit
from copilotd.http.security import Gate
from copilotd.http.services import Services

__all__ = ["Services", "build_app"]

_ABOUT = """\
One code model on your own machine, for every client that speaks one of these dialects.

* Point an OpenAI client at this address plus `/v1`. Any API key and any model name will do: the
  model that is for such requests answers. Where chat has a model of its own, a request can name
  either (`GET /v1/models`).
* `POST /v1/completions` with a `suffix` fills in the middle, which is what a code model does best.
* Errors have OpenAI's shape. 503 with `Retry-After` means that the same request may succeed soon.
"""

_NO_TELEMETRY: dict[str, Any] = {
    "telemetry": {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
}
"""FastAPI can report requests to a collector that the environment names; nothing leaves here."""


def build_app(services: Services, settings: ServerSection) -> FastAPI:
    """Everything that HTTP clients can ask for, answered by `services`."""
    app = FastAPI(
        title="copilotd",
        version=copilotd.__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        middleware=_middleware(settings),
        **_NO_TELEMETRY,
    )
    app.state.services = services
    for router in (openai.router, copilot.router, health.router, admin.router, docs.router):
        app.include_router(router)
    errors.install(app)
    return app


def _middleware(settings: ServerSection) -> list[Middleware]:
    """Outermost first: nothing answers a stranger, not even a CORS preflight."""
    origins = settings.allowed_origins
    cors = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"]
    )
    return [Middleware(Gate, settings), *([cors] if origins else []), Middleware(BodyLimit)]
