import pytest

from copilotd.completion import prefill
from copilotd.prompt import file_name


@pytest.fixture(autouse=True)
def _prefill_in_one_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a slice so large that each prompt is prefilled in one. A token is a character here."""
    monkeypatch.setattr(prefill, "_SLICE", 10_000)


@pytest.fixture(autouse=True)
def _without_file_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the name of a short file out of its prompt; `tests/prompt` tests that name."""
    monkeypatch.setattr(file_name, "_MAX_NAMED", -1)
