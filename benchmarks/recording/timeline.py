"""The requests of a replay, and the text that was shown for each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.recording.buffer import Buffer
from benchmarks.recording.trace import RequestEvent
from copilotd.engine.tokens.common_prefix import common_prefix_length


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request and its answer, at seconds of the recording.

    `text` is what was shown behind the cursor. `line` is the rest of the line after the user
    accepts it. `evaluated` counts the prompt tokens that were not in the cache, if the server
    reports them.
    """

    request: int
    time: float
    deadline: float
    gold: str | None
    answered_at: float | None = None
    text: str = ""
    line: str = ""
    evaluated: int | None = None

    @property
    def ms(self) -> float | None:
        """Milliseconds from the request to its text; None without text."""
        return None if self.answered_at is None else max(0.0, self.answered_at - self.time) * 1000

    @property
    def is_shown(self) -> bool:
        """Whether text that is not blank came before the next edit or request."""
        in_time = self.answered_at is not None and self.answered_at <= self.deadline
        return in_time and bool(self.text.strip())

    @property
    def gold_characters(self) -> int:
        """The number of gold characters that were shown in time."""
        return common_prefix_length(self.text, self.gold or "") if self.is_shown else 0

    @property
    def is_exact(self) -> bool:
        """Whether the accepted text gives exactly the programmer's own line."""
        return self.gold is not None and self.line.rstrip() == self.gold.rstrip()


class Timeline:
    """Collects the records during a replay; `now` returns the second of the recording."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.rows: dict[int, RequestRecord] = {}

    def add_request(self, event: RequestEvent) -> None:
        """Add a request."""
        row = RequestRecord(event.request, event.time, event.deadline, event.gold)
        self.rows[event.request] = row

    def show(self, request: int, text: str, rest: str) -> bool:
        """Add text that arrives; `rest` is what would stay behind it. Only the first text counts.

        Returns whether the text is shown in time.
        """
        row = self.rows[request]
        if row.answered_at is None:
            line = text.partition("\n")[0] if "\n" in text else text + rest
            row = replace(row, answered_at=self.now(), text=text, line=line)
            self.rows[request] = row
        return row.is_shown

    def set_evaluated(self, request: int, evaluated: int) -> None:
        """Set how many prompt tokens the answer to a request evaluated."""
        self.rows[request] = replace(self.rows[request], evaluated=evaluated)


def find_rest_of_line(buffer: Buffer, overwrites: int = 0) -> str:
    """The part of the line that stays behind text that overwrites `overwrites` characters."""
    return buffer.rest_of_line(buffer.cursor + overwrites)
