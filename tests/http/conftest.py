from collections.abc import AsyncIterator

import pytest

from tests.http.http_server import RunningServer, run_server


@pytest.fixture
async def paris() -> AsyncIterator[RunningServer]:
    """A server whose model always says "Paris"."""
    async with run_server() as server:
        yield server
