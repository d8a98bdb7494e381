from collections.abc import AsyncIterator

import pytest

from tests.http.http_server import RunningServer, run_server


@pytest.fixture(autouse=True)
def _without_file_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the name of a short file out of its prompt; `tests/prompt` tests that name."""
    monkeypatch.setattr("copilotd.prompt.file_name._MAX_NAMED", -1)


@pytest.fixture
async def paris() -> AsyncIterator[RunningServer]:
    """A server whose model always says "Paris"."""
    async with run_server() as server:
        yield server
