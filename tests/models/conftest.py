import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilotd.models.progress import Progress
from copilotd.models.sources.source import DownloadJob
from copilotd.models.store import ModelStore
from tests.models.file_server import Site, serve_site


class ProgressRecorder:
    """A progress callback that records each step."""

    def __init__(self) -> None:
        self.steps: list[Progress] = []

    def __call__(self, step: Progress) -> None:
        self.steps.append(step)

    @property
    def lines(self) -> list[str]:
        """The texts that a user reads: each new text once."""
        texts = [step.text for step in self.steps]
        pairs = zip(["", *texts], texts, strict=False)
        return [text for before, text in pairs if text != before]


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as running:
        yield running


@pytest.fixture
def recorder() -> ProgressRecorder:
    return ProgressRecorder()


@pytest.fixture
def job(recorder: ProgressRecorder) -> DownloadJob:
    return DownloadJob(recorder, threading.Event())


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def closed_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: no models, no settings, no login."""
    for name in ("DATA", "CONFIG", "STATE", "CACHE", "RUNTIME"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        suffix = "DIR" if name == "RUNTIME" else "HOME"
        monkeypatch.setenv(f"XDG_{name}_{suffix}", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


Wait = Callable[[threading.Event], None]


@pytest.fixture
def wait() -> Wait:
    """Wait for an event, for at most 60 s."""

    def wait_for(event: threading.Event) -> None:
        assert event.wait(60), "it did not happen within 60 s"

    return wait_for
