import pytest

from copilotd.completion import prefill


@pytest.fixture(autouse=True)
def _prefill_in_one_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a slice so large that each prompt is prefilled in one. A token is a character here."""
    monkeypatch.setattr(prefill, "_SLICE", 10_000)
