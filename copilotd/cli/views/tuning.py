"""Draws a calibration: progress, figures, and the limits that follow from them."""

import time
from types import TracebackType

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from copilotd.cli.views.speed import SMALLER_MODEL, is_slow
from copilotd.cli.views.terminal import err, format_duration, out, say
from copilotd.engine.performance import BUSY_SHARE, Calibration, CalibrationProgress, Setup, Tuning
from copilotd.prompt.budget import Budget

_COLUMNS: tuple[tuple[str, int, int], ...] = (
    ("128", 0, 128),
    ("256", 0, 256),
    ("512", 0, 512),
    ("32@1k", 1000, 32),
    ("@100", 100, 1),
    ("@1k", 1000, 1),
)
"""Heading, cells, tokens. Single tokens are shown in ms, batches in tokens/s."""

_LEGEND = """\
Reading 128, 256 and 512 tokens, and 32 after 1,000 others, in tokens/s;
writing one token after 100 and after 1,000 others, in ms:
"""


class MeasuringView:
    """Draws a bar in a terminal, else a line for each stage; use it in a `with` block."""

    def __init__(self) -> None:
        console = err()
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        self._bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("waiting for a quiet moment", total=1.0)
        self._said = ""

    def show(self, step: CalibrationProgress) -> None:
        """Draw one step."""
        self._bar.update(self._task, description=step.text, completed=step.fraction)
        if self._bar.disable and step.text != self._said:
            self._said = step.text
            say(step.text)

    def __enter__(self) -> "MeasuringView":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()


def show_tuning(tuning: Tuning, budget: Budget) -> None:
    """Print the whole calibration."""
    console, calibration = out(), tuning.calibration
    age = format_duration(max(0.0, time.time() - tuning.measured_at))
    console.print(Text.assemble((tuning.model, "bold"), f" on {tuning.machine}"))
    console.print(f"Measured {age} ago.\n")
    if calibration.chosen != Setup():
        # An upstream server is measured by its answers, and its settings are unknown.
        console.print(_LEGEND)
        console.print(_table(calibration))
        costs = ", ".join(f"{n}: {cost:.1f}" for n, cost in calibration.speed.batch.items())
        console.print(f"\nCost of several tokens at once, in units of one: {costs}\n")
    for name, value in _list_consequences(calibration, budget):
        console.print(Text.assemble((f"{name:<12}", "bold"), value))
    for line in _list_warnings(calibration):
        console.print(Text.assemble(("\nnote: ", "bold yellow"), line))


def _table(calibration: Calibration) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("way", no_wrap=True)
    for heading, _, _ in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    times = {(m.setup, m.cells, m.tokens): m.ms for m in calibration.measurements}
    for setup in dict.fromkeys(m.setup for m in calibration.measurements):
        cells = [_format_figure(times.get((setup, cells, n)), n) for _, cells, n in _COLUMNS]
        style = "bold" if setup == calibration.chosen else ""
        table.add_row(_describe(setup), *cells, style=style)
    return table


def _format_figure(ms: float | None, tokens: int) -> str:
    if ms is None:
        return "-"
    return f"{ms:.1f}" if tokens == 1 else f"{1000 * tokens / ms:.0f}"


def _describe(setup: Setup) -> str:
    threads = f"{setup.n_threads} thread{'s' if setup.n_threads > 1 else ''}"
    if setup.n_threads_batch != setup.n_threads:
        threads = f"{setup.n_threads}/{setup.n_threads_batch} threads"
    cache = "" if setup.kv_type == "f16" else f", KV {setup.kv_type}"
    return f"flash {setup.flash_attention}, {threads}, batch {setup.n_ubatch}{cache}"


def _list_consequences(calibration: Calibration, budget: Budget) -> list[tuple[str, str]]:
    speed = calibration.speed
    cold_s = (budget.prefix_tokens + budget.suffix_tokens) / speed.prefill_rate
    loaded = ("loaded with", f"{_describe(calibration.chosen)}: {_explain(calibration)}")
    return [
        *([loaded] if calibration.chosen != Setup() else []),
        (
            "prompt",
            f"up to {budget.prefix_tokens} tokens before the cursor and {budget.suffix_tokens} "
            f"after it: {cold_s:.1f} s if none is cached, at {speed.prefill_rate:.0f} tokens/s",
        ),
        ("new place", f"{budget.cold_prompt_tokens} tokens of it at first, the rest in idle time"),
        (
            "suggestion",
            f"up to {budget.max_tokens} tokens, at {speed.decode_ms:.0f} ms each "
            "(completion.limit_ms)",
        ),
        ("asked for", f"up to {budget.invoked_max_tokens} tokens, however long they take"),
        (
            "shown",
            f"from {budget.partial_after_ms:.0f} ms on, as far as it is written "
            "(completion.target_ms)",
        ),
        ("debounce", f"{budget.debounce_ms:.0f} ms"),
    ]


def _explain(calibration: Calibration) -> str:
    if calibration.chosen != calibration.default:
        return "clearly faster than the default, from the next load on"
    if calibration.disturbance > BUSY_SHARE:
        return "the default, not compared with others"
    return "the default, since nothing else was clearly faster"


def _list_warnings(calibration: Calibration) -> list[str]:
    lines = []
    if calibration.disturbance > BUSY_SHARE:
        lines.append(
            f"other programs took {calibration.disturbance:.0%} of the processor meanwhile, so "
            "this machine can do more. When it is quiet: copilotd tune --run"
        )
    if is_slow(calibration.speed):
        lines.append(f"this machine is slow for this model. {SMALLER_MODEL}")
    return lines
