"""The values of the completion use case."""

from dataclasses import dataclass, field
from enum import StrEnum

from copilotd.documents import Document
from copilotd.postprocess.context import FilterStep


class Trigger(StrEnum):
    """Why a completion was asked for."""

    AUTOMATIC = "automatic"
    INVOKED = "invoked"


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """Ask for ghost text in `document` at `offset`.

    A newer request with the same `key` cancels this one.
    """

    document: Document
    offset: int
    trigger: Trigger = Trigger.AUTOMATIC
    client: str = "anonymous"

    @property
    def key(self) -> tuple[str, str]:
        """What cancel-previous goes by: one pending request per client and document."""
        return (self.client, self.document.uri)


@dataclass(frozen=True, slots=True)
class Completion:
    """Ghost text: replace `document.text[start:end]` by `text`.

    `start` equals the cursor; `end` lies beyond it where the text brings its own copy of what
    follows on the line (an auto-closed bracket).
    """

    id: str
    text: str
    start: int
    end: int


class Status(StrEnum):
    """How a completion request ended."""

    SHOWN = "shown"
    """There is a completion."""
    EMPTY = "empty"
    """The model had nothing to say, or the filters left nothing of it."""
    SKIPPED = "skipped"
    """It was not tried: disabled, excluded, or no model yet."""
    CANCELLED = "cancelled"
    """The client, or a newer request, took it back."""
    FAILED = "failed"
    """The engine could not; `Outcome.reason` says why."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What went into a completion and what happened to it; for `--explain` and the dashboard.

    `source` names the stage that answered (engine, cache); `prompt` is the rendered prompt with
    its special tokens; `raw` is what the model wrote. `read_tokens` of the prompt were new to the
    model when the work began, and were read before it was asked; they count as cached by then.
    Times are milliseconds.
    """

    source: str = ""
    mode: str = ""
    prompt: str = ""
    raw: str = ""
    filters: tuple[FilterStep, ...] = ()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    read_tokens: int = 0
    completion_tokens: int = 0
    first_token_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one answer to a completion request: always with a status and a reason in words.

    `is_piece` says that there was no time for the whole, and more is being written.
    """

    status: Status
    reason: str
    completion: Completion | None = None
    explanation: Explanation = field(default_factory=Explanation)
    is_piece: bool = False


@dataclass(frozen=True, slots=True)
class CompletionStats:
    """Counts since the daemon started."""

    requests: int = 0
    shown: int = 0
    cache_hits: int = 0
    cancelled: int = 0
    accepted: int = 0
    rejected: int = 0
