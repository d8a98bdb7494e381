"""Shows a download: a bar in a terminal, else a line every few seconds."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from copilotd.cli.views.terminal import err, format_size, say
from copilotd.models.progress import Progress as Step

PLAIN_INTERVAL_S = 3.0


class PullView:
    """Draws the progress of a download. Pass its `show` to `pull`; use it in a `with` block."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or err()
        self._view = _Bar(self._console) if self._console.is_terminal else _Lines()

    def show(self, step: Step) -> None:
        """Draw one step."""
        self._view.show(step)

    def __enter__(self) -> "PullView":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._view.close()


class _Bar:
    """One bar at the bottom; finished steps stay above it as lines."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
        )
        self._progress.start()
        self._text, self._task = "", TaskID(0)

    def show(self, step: Step) -> None:
        if step.text != self._text:
            self._begin(step)
        self._progress.update(self._task, completed=step.done, total=step.total)

    def close(self) -> None:
        self._progress.stop()

    def _begin(self, step: Step) -> None:
        for task in self._progress.task_ids:
            self._progress.remove_task(task)
        self._progress.console.print(step.text, markup=False)
        # The line above names the step, because the bar has room for only one word.
        word = step.text.partition(" ")[0] if step.done or step.total else ""
        self._task = self._progress.add_task(word, completed=step.done, total=step.total)
        self._text = step.text


class _Lines:
    """Each new text once, and the progress every few seconds."""

    def __init__(self) -> None:
        self._text, self._start, self._last = "", Step(""), 0.0
        self._began = 0.0

    def show(self, step: Step) -> None:
        now = time.monotonic()
        if step.text != self._text:
            say(step.text)
            self._text, self._start, self._began, self._last = step.text, step, now, now
        elif now - self._last >= PLAIN_INTERVAL_S and step.done > self._start.done:
            say(f"  {self._describe_progress(step, now)}")
            self._last = now

    def close(self) -> None:
        """Finish the display."""

    def _describe_progress(self, step: Step, now: float) -> str:
        speed = (step.done - self._start.done) / (now - self._began)
        if not step.total:
            return f"{format_size(step.done)}, {format_size(speed)}/s"
        percent, left = 100 * step.done / step.total, (step.total - step.done) / speed
        return (
            f"{percent:3.0f} %  {format_size(step.done)} of {format_size(step.total)}, "
            f"{format_size(speed)}/s, {left:.0f} s left"
        )
