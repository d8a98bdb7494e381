"""Archives for tests."""

from pathlib import Path

from copilotd.engine.worker.kv.disk_tier import Archive

KEY = b"k" * 32


def archive_in(folder: Path, budget: int = 10**6, key: bytes = KEY) -> Archive:
    """An archive that must not have anything to complain about."""
    return Archive(folder, budget, key, _fail)


def _fail(message: str) -> None:
    raise AssertionError(message)


NO_ARCHIVE = archive_in(Path("nowhere"), budget=0)
