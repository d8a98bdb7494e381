"""Whatever fits the API's schema, or just does not, is answered without a failure of ours."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import settings

from copilotd.config import ServerSection
from copilotd.engine.fake import FakeEngine
from copilotd.engine.protocol import Generate, Tokenize, encode_command
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.http.app import build_app
from tests.http.http_server import scripted

schemathesis = pytest.importorskip("schemathesis", reason="comes with the extra e2e")

SEED = 1
EXAMPLES = 40
"""Of each operation; they are the same each time."""


class Piped(FakeEngine):
    """Takes only what the pipe to a real worker can carry."""

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        encode_command(Tokenize(0, text, special))
        return await super().tokenize(text, special=special)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        encode_command(Generate(0, request))
        async for event in super().generate(request):
            yield event


def described() -> Any:
    """The schema of an application on a scripted engine, which answers in process."""
    host = "testserver"  # schemathesis' own name for it
    app = build_app(scripted(Piped("Paris"), []), ServerSection(allowed_hosts=[host]))
    config = schemathesis.Config(seed=SEED)
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


@pytest.mark.slow
@described().parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=EXAMPLES, deadline=None, database=None)
def test_no_request_makes_the_daemon_fail(case: Any) -> None:
    response = case.call()

    assert response.status_code < 500, response.text
