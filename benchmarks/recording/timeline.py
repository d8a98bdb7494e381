"""The requests of a replay, and the text that was shown for each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from benchmarks.recording.buffer import Buffer
from benchmarks.recording.trace import RequestEvent
from benchmarks.repetition import repeats_rest_of_line
from copilotd.engine.tokens.common_prefix import common_prefix_length


class Place(StrEnum):
    """What stands behind a cursor on its line."""

    CODE = "code"
    CLOSERS = "only brackets, quotes or signs"
    LINE_END = "nothing"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request and its answer, at seconds of the recording.

    `behind` is the text after the cursor on its line when the request came. `text` is what was
    shown behind the cursor. `rest` is what stays behind it on the line, and `line` the rest of the
    line after the user accepts it. `evaluated` counts the prompt tokens that were not in the cache,
    if the server reports them.
    """

    request: int
    time: float
    deadline: float
    gold: str | None
    behind: str = ""
    answered_at: float | None = None
    text: str = ""
    rest: str = ""
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
    def place(self) -> Place:
        """Where the cursor stood."""
        if not self.behind.strip():
            return Place.LINE_END
        has_words = any(c.isalnum() or c == "_" for c in self.behind)
        return Place.CODE if has_words else Place.CLOSERS

    @property
    def typed_gold(self) -> str:
        """The gold without the part that already stood behind the cursor."""
        gold = (self.gold or "").rstrip()
        shared = common_prefix_length(gold[::-1], self.behind.rstrip()[::-1])
        return gold[: len(gold) - shared]

    @property
    def repeats(self) -> bool:
        """Whether the text says again what stays behind it on the line."""
        return self.is_shown and repeats_rest_of_line(self.text, self.rest)

    @property
    def gold_characters(self) -> int:
        """The number of right characters that were shown in time.

        Characters that already stood behind the cursor do not count, and a text that repeats the
        rest of its line has none.
        """
        if not self.is_shown or self.repeats:
            return 0
        return common_prefix_length(self.text, self.typed_gold)

    @property
    def is_judged(self) -> bool:
        """Whether text was shown in time, and the line is known and not blank later.

        A text that begins with a line end would be right by chance where the line is blank.
        """
        return self.is_shown and bool((self.gold or "").strip())

    @property
    def is_exact(self) -> bool:
        """Whether the accepted text gives exactly the programmer's own line, which is not blank."""
        return self.is_judged and self.line.rstrip() == (self.gold or "").rstrip()


class Timeline:
    """Collects the records during a replay; `now` returns the second of the recording."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.rows: dict[int, RequestRecord] = {}

    def add_request(self, event: RequestEvent, behind: str) -> None:
        """Add a request; `behind` is the text after the cursor on its line."""
        row = RequestRecord(event.request, event.time, event.deadline, event.gold, behind)
        self.rows[event.request] = row

    def show(self, request: int, text: str, rest: str) -> bool:
        """Add text that arrives; `rest` is what would stay behind it. Only the first text counts.

        Returns whether the text is shown in time.
        """
        row = self.rows[request]
        if row.answered_at is None:
            line = text.partition("\n")[0] if "\n" in text else text + rest
            row = replace(row, answered_at=self.now(), text=text, rest=rest, line=line)
            self.rows[request] = row
        return row.is_shown

    def set_evaluated(self, request: int, evaluated: int) -> None:
        """Set how many prompt tokens the answer to a request evaluated."""
        self.rows[request] = replace(self.rows[request], evaluated=evaluated)


def find_rest_of_line(buffer: Buffer, overwrites: int = 0) -> str:
    """The part of the line that stays behind text that overwrites `overwrites` characters."""
    return buffer.rest_of_line(buffer.cursor + overwrites)
