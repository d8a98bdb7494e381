from collections.abc import AsyncIterator

import pytest

from tests.http.http_server import Served, serving


@pytest.fixture
async def paris() -> AsyncIterator[Served]:
    """A server whose model always says "Paris"."""
    async with serving() as served:
        yield served
