"""The values that pass between packages: frozen, without behaviour beyond reading themselves.

Offsets and lengths in text count Unicode code points (indices of a Python `str`); wire formats
that count otherwise convert at their edge. Values that cross the pipe to the engine's worker are
msgspec structs, all others are dataclasses. The file is long because it is the vocabulary that all
packages share, and is read as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from copilotd.speed import Budget, Tuning

# --- documents and completions ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one open file; never changes, so a request can keep it while the user types.

    `uri` identifies it, `language` is the editor's language id (may be empty), `path` is the file
    name shown to the model, relative to the workspace where that is known. `snippets` are what a
    client sends along of other files, oldest first.
    """

    uri: str
    text: str
    language: str = ""
    version: int = 0
    path: str = ""
    snippets: tuple[Snippet, ...] = ()


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
class FilterStep:
    """One filter that changed the text: its name, and the text before and after."""

    name: str
    before: str
    after: str


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


# --- the model and its engine ----------------------------------------------------------------


class FimTokens(msgspec.Struct, frozen=True):
    """The ids that the model's own GGUF gives for fill-in-the-middle; None where it has none."""

    prefix: int | None = None
    suffix: int | None = None
    middle: int | None = None
    pad: int | None = None
    repository: int | None = None
    separator: int | None = None

    @property
    def usable(self) -> bool:
        """Whether a fill-in-the-middle prompt can be built; some families need no `middle`."""
        return self.prefix is not None and self.suffix is not None


class FimLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the FIM prompts of a model family are laid out.

    `suffix_first` says that it was trained on prompts that begin with the suffix. The prefix ends
    `anchor_lines` lines above the cursor's, and what follows stands behind the middle marker.
    """

    suffix_first: bool = False
    anchor_lines: int = 2


ELSEWHERE = "upstream"
"""The architecture of a model that another server holds, of which no more is known."""


class ModelInfo(msgspec.Struct, frozen=True):
    """What is loaded. Sizes in bytes, `n_ctx` in tokens (the context served, not the trained).

    `can_shift` says that keys and values can be used at other positions; `controls` are the texts
    of the control tokens; `sees` says that it takes images; `draft` names the small model that
    guesses for it, if one does. A whole text stands between the tokens of `opens` and `closes`, for
    a model that was trained so.
    """

    path: str
    name: str
    architecture: str
    description: str
    size: int
    parameters: int
    n_ctx: int
    n_ctx_train: int
    n_vocab: int
    n_embd: int
    fim: FimTokens
    layout: FimLayout
    bos: int | None
    eos: int | None
    add_bos: bool
    end_tokens: list[int]
    controls: list[str]
    chat_template: str | None
    can_shift: bool
    gpu_offload: bool
    system: str
    load_ms: float
    sees: bool = False
    opens: list[int] = []
    closes: list[int] = []
    draft: str = ""

    @property
    def is_elsewhere(self) -> bool:
        """Whether another server holds it."""
        return self.architecture == ELSEWHERE


class Phase(StrEnum):
    """Where the engine stands."""

    STOPPED = "stopped"
    """No worker: not asked for yet, or unloaded because idle."""
    DOWNLOADING = "downloading"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    """The last start failed; the next request tries again."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """`detail` is a sentence for a person; `fraction` of the work is done, where that is known."""

    phase: Phase
    detail: str = ""
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Counts since the daemon started; `rss` is the worker's resident memory in bytes now."""

    requests: int = 0
    running: int = 0
    waiting: int = 0
    restarts: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    rss: int = 0
    pid: int | None = None


# --- chat ------------------------------------------------------------------------------------


IMAGE = "\ufdd1"
"""Stands in a message where an image is; a code point that Unicode keeps out of all text."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image file, or the `url` from which it is to be fetched."""

    file: bytes = field(default=b"", repr=False)
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is system, user, assistant or tool.

    Each IMAGE in `content` is the place of the next of `images`.
    """

    role: str
    content: str
    extra: Mapping[str, object] = field(default_factory=dict)
    images: tuple[Image, ...] = ()


# --- status ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CompletionStats:
    """Counts since the daemon started."""

    requests: int = 0
    shown: int = 0
    cache_hits: int = 0
    cancelled: int = 0
    accepted: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One look at a model that is served; `model` is None until it was loaded once."""

    alias: str
    state: EngineState
    model: ModelInfo | None
    engine: EngineStats


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """The server to which prompts are sent; `answers` says whether it does now.

    `model` is empty until it was asked; `detail` is for a person, and says what goes wrong.
    """

    url: str
    model: str
    answers: bool
    detail: str


@dataclass(frozen=True, slots=True)
class DaemonStatus:
    """One look at the whole daemon; `uptime` in seconds, `rss` in bytes.

    `state`, `model`, `alias`, `engine` and `tuning` are of the model for completions; `chat` is
    that for chat and `embedding` that for embeddings, None where the first serves. `upstream` is
    None while nothing leaves the machine.
    """

    version: str
    pid: int
    uptime: float
    rss: int
    state: EngineState
    model: ModelInfo | None
    alias: str
    engine: EngineStats
    completion: CompletionStats
    clients: tuple[str, ...]
    url: str
    socket: str
    tuning: Tuning | None = None
    budget: Budget | None = None
    chat: ModelStatus | None = None
    embedding: ModelStatus | None = None
    upstream: UpstreamStatus | None = None
