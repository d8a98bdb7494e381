import pytest

from copilotd.completion import prefill


@pytest.fixture(autouse=True)
def _read_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices so large that every prompt is read in one: a token is a character here."""
    monkeypatch.setattr(prefill, "_SLICE", 10_000)
