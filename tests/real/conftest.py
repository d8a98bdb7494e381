"""The real model, downloaded once into a cache outside the checkout, and an engine with it."""

import os
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import nullcontext
from pathlib import Path

import platformdirs
import pytest

from copilotd.config import EngineSection
from copilotd.engine.local.client import EngineClient
from copilotd.engine.local.supervisor import StateListener
from copilotd.engine.protocol import WorkerSpec
from copilotd.errors import ModelError
from copilotd.models.catalogue import load_catalogue
from copilotd.models.progress import Progress
from copilotd.models.pull import pull
from copilotd.models.store import ModelStore

MODEL = "qwen2.5-coder-0.5b-instruct"

# For a story, or for numbers in words, the model sometimes writes a single sentence only.
ANSWERED_AT_LENGTH = "Write the numbers from 1 to 1000, one on each line, and nothing else."


@pytest.fixture(scope="session", autouse=True)
def without_amx() -> Iterator[None]:
    """Disable AMX in the test process, as a worker does: its use would end the process."""
    from copilotd.engine.worker.llama import amx

    with amx.disable() if amx.is_compiled_in() else nullcontext():
        yield


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The path of the test model. `COPILOTD_TEST_MODEL` names a file that exists already."""
    if path := os.environ.get("COPILOTD_TEST_MODEL"):
        return Path(path)
    store = ModelStore(platformdirs.user_cache_path("copilotd-tests") / "models")
    try:
        record = pull(MODEL, store, load_catalogue(), _ignore, threading.Event())
    except ModelError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"the test model could not be fetched: {error.message} {error.hint}")
    return store.list_paths(record)[0]


def create_engine(path: Path, **spec: object) -> EngineClient:
    """Create an engine that loads `path` on first use."""

    async def provision(report: StateListener) -> WorkerSpec:
        return WorkerSpec(str(path), MODEL, **spec)  # type: ignore[arg-type]

    return EngineClient(provision, EngineSection())


@pytest.fixture
async def engine(model_path: Path) -> AsyncGenerator[EngineClient, None]:
    client = create_engine(model_path)
    yield client
    await client.close()


def _ignore(progress: Progress) -> None:
    """Drop the progress."""
