"""No request that fits the API's schema, or nearly fits it, makes the daemon fail."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import settings

from copilotd.config import ServerSection
from copilotd.engine.fake import FakeEngine
from copilotd.engine.protocol import Generate, Tokenize, encode_command
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.http.app import build_app
from tests.http.http_server import build_services

schemathesis = pytest.importorskip("schemathesis", reason="comes with the extra e2e")

SEED = 1
EXAMPLES = 40
"""For each operation; the seed makes them the same each time."""


class EncodingEngine(FakeEngine):
    """Encodes each request like the pipe to a real worker, and fails like it."""

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        encode_command(Tokenize(0, text, special))
        return await super().tokenize(text, special=special)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        encode_command(Generate(0, request))
        async for event in super().generate(request):
            yield event


def load_schema() -> Any:
    """The schema of an application on a fake engine, which runs in this process."""
    host = "testserver"  # schemathesis' own name for it
    app = build_app(
        build_services(EncodingEngine("Paris"), []), ServerSection(allowed_hosts=[host])
    )
    config = schemathesis.Config(seed=SEED)
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


@pytest.mark.slow
@load_schema().parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=EXAMPLES, deadline=None, database=None)
def test_no_request_makes_the_daemon_fail(case: Any) -> None:
    response = case.call()

    assert response.status_code < 500, response.text
