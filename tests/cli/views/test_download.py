import io

import pytest
from rich.console import Console

from copilotd.cli.views import download
from copilotd.cli.views.download import PullView
from copilotd.models.progress import Progress


class Clock:
    """Time that passes only when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    running = Clock()
    monkeypatch.setattr(download, "time", running)
    return running


def test_without_a_terminal_there_is_a_line_every_few_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with PullView(Console(file=io.StringIO(), force_terminal=False)) as view:
        view.show(Progress("Asking Hugging Face for m.gguf"))
        view.show(Progress("Downloading", 0, 400_000_000))
        for done in (50_000_000, 100_000_000, 150_000_000, 200_000_000):
            clock.now += 1
            view.show(Progress("Downloading", done, 400_000_000))
        clock.now += 1
        view.show(Progress("Checking m", 1, 2))
    assert capsys.readouterr().err.splitlines() == [
        "Asking Hugging Face for m.gguf",
        "Downloading",
        "   38 %  150.0 MB of 400.0 MB, 50.0 MB/s, 5 s left",
        "Checking m",
    ]


def test_the_line_has_the_downloaded_bytes_if_the_size_is_unknown(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with PullView(Console(file=io.StringIO(), force_terminal=False)) as view:
        view.show(Progress("Downloading"))
        clock.now += 4
        view.show(Progress("Downloading", 8_000_000))
    assert capsys.readouterr().err.splitlines() == ["Downloading", "  8.0 MB, 2.0 MB/s"]


def test_in_a_terminal_there_is_a_bar_below_the_lines() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    with PullView(console) as view:
        view.show(Progress("Asking Hugging Face for m.gguf"))
        view.show(Progress("Downloading from Hugging Face", 100_000_000, 400_000_000))
        view.show(Progress("Downloading from Hugging Face", 400_000_000, 400_000_000))
    written = screen.getvalue()
    assert "Asking Hugging Face for m.gguf\n" in written
    assert "Downloading from Hugging Face\n" in written
    assert "400.0/400.0 MB" in written
