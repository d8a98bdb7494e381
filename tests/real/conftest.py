"""The real model, fetched once into a cache outside the checkout, and an engine that serves it."""

import os
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import platformdirs
import pytest

from copilotd.config import EngineSection
from copilotd.engine.client import EngineClient
from copilotd.engine.keeper import Report
from copilotd.engine.protocol import WorkerSpec
from copilotd.errors import ModelError
from copilotd.models.catalogue import load_catalogue
from copilotd.models.progress import Progress
from copilotd.models.pull import pull
from copilotd.models.store import Store

MODEL = "qwen2.5-coder-0.5b-instruct"


@pytest.fixture(scope="session")
def model_path() -> Path:
    """Where the test model is; `COPILOTD_TEST_MODEL` names a file that is there already."""
    if given := os.environ.get("COPILOTD_TEST_MODEL"):
        return Path(given)
    store = Store(platformdirs.user_cache_path("copilotd-tests") / "models")
    try:
        record = pull(MODEL, store, load_catalogue(), _ignore, threading.Event())
    except ModelError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"the test model could not be fetched: {error.message} {error.hint}")
    return store.paths(record)[0]


def engine_of(path: Path, **spec: object) -> EngineClient:
    """An engine that loads `path` on first use."""

    async def provision(report: Report) -> WorkerSpec:
        return WorkerSpec(str(path), MODEL, **spec)  # type: ignore[arg-type]

    return EngineClient(provision, EngineSection())


@pytest.fixture
async def engine(model_path: Path) -> AsyncGenerator[EngineClient, None]:
    client = engine_of(model_path)
    yield client
    await client.close()


def _ignore(progress: Progress) -> None:
    """Nobody watches."""
