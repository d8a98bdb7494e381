"""The values of the completion use case."""

from dataclasses import dataclass, field
from enum import StrEnum

from copilotd.documents import Document
from copilotd.errors import CopilotdError
from copilotd.postprocess.context import FilterStep


class Trigger(StrEnum):
    """Who requested a completion: the editor while the user types, or the user with a key."""

    AUTOMATIC = "automatic"
    INVOKED = "invoked"


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """Ask for ghost text in `document` at `offset`.

    A newer request with the same `key` cancels this one. At most `max_tokens` are generated for it,
    where a client limits that. `is_patient` means that the client debounces by itself and shows
    only a whole text.
    """

    document: Document
    offset: int
    trigger: Trigger = Trigger.AUTOMATIC
    client: str = "anonymous"
    max_tokens: int | None = None
    is_patient: bool = False

    @property
    def waits_for_whole(self) -> bool:
        """Whether the answer is the whole text, however long it takes, and is not debounced."""
        return self.is_patient or self.trigger is Trigger.INVOKED

    @property
    def key(self) -> tuple[str, str]:
        """There is one pending request for each client and document."""
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
    """The model wrote nothing, or the filters left nothing to show."""
    SKIPPED = "skipped"
    """Completion was not attempted: disabled, excluded, or no model yet."""
    CANCELLED = "cancelled"
    """The client, or a newer request, cancelled it."""
    FAILED = "failed"
    """The engine failed; the outcome's `reason` says why."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a completion was made; for `--explain` and the dashboard.

    `source` names the stage that answered (engine, cache); `prompt` is the rendered prompt with its
    special tokens; `raw` is what the model wrote. `read_tokens` is the number of tokens of the
    prompt that were not in the KV cache when the work began; they were evaluated first, and count
    as cached in the request. Times are milliseconds.
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
class Shown:
    """There is a completion; `reason` says in words where it comes from.

    If `is_partial`, it is the part that was written in time, and the model continues to write.
    """

    completion: Completion
    reason: str
    explanation: Explanation = field(default_factory=Explanation)
    is_partial: bool = False

    @property
    def status(self) -> Status:
        """Always SHOWN."""
        return Status.SHOWN


@dataclass(frozen=True, slots=True)
class NotShown:
    """There is no completion; `reason` says why in words. `status` is never SHOWN.

    `error` is the engine's error, if that is the reason.
    """

    status: Status
    reason: str
    explanation: Explanation = field(default_factory=Explanation)
    error: CopilotdError | None = None


Outcome = Shown | NotShown
"""The one answer to a completion request."""


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """An outcome in the JSON form that programs get.

    /admin/complete, `copilotd complete --json` and `copilotd.lastCompletion` answer with it.
    `is_piece` is `Shown.is_partial`.
    """

    status: Status
    reason: str
    completion: Completion | None = None
    explanation: Explanation = field(default_factory=Explanation)
    is_piece: bool = False

    @classmethod
    def of(cls, outcome: Outcome) -> "OutcomeRecord":
        """The record of `outcome`."""
        match outcome:
            case Shown(completion, reason, explanation, is_partial):
                return cls(Status.SHOWN, reason, completion, explanation, is_partial)
            case NotShown(status, reason, explanation, _):
                return cls(status, reason, None, explanation)

    @property
    def outcome(self) -> Outcome:
        """Convert the record back to the outcome."""
        if self.completion is None:
            return NotShown(self.status, self.reason, self.explanation)
        return Shown(self.completion, self.reason, self.explanation, self.is_piece)


@dataclass(frozen=True, slots=True)
class CompletionStats:
    """Counts since the daemon started."""

    requests: int = 0
    shown: int = 0
    cache_hits: int = 0
    cancelled: int = 0
    accepted: int = 0
    rejected: int = 0
    read_ahead_tokens: int = 0
