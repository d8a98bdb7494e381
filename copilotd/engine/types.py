"""What the engine is asked for, and the events that answer it.

These values cross the pipe to the worker, so they are msgspec structs; all packages above the
engine share them.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import msgspec

from copilotd.models.fim import FimLayout, FimTokens

UPSTREAM_ARCHITECTURE = "upstream"
"""The architecture of a model that another server holds, of which no more is known."""


class ModelInfo(msgspec.Struct, frozen=True):
    """What is loaded. Sizes in bytes, `n_ctx` in tokens (the context served, not the trained).

    `can_shift` says that keys and values can be used at other positions; `controls` are the texts
    of the control tokens; `supports_images` says that it takes images; `draft` names the small
    model that guesses for it, if one does. A whole text stands between the tokens of `opens` and `closes`, for
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
    supports_images: bool = False
    opens: list[int] = []
    closes: list[int] = []
    draft: str = ""

    @property
    def is_upstream(self) -> bool:
        """Whether another server holds it."""
        return self.architecture == UPSTREAM_ARCHITECTURE


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


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """The server to which prompts are sent; `answers` says whether it does now.

    `model` is empty until it was asked; `detail` is for a person, and says what goes wrong.
    """

    url: str
    model: str
    answers: bool
    detail: str


class Lane(IntEnum):
    """Who waits for whom in the engine: a lower number goes first."""

    COMPLETION = 0
    CHAT = 1
    BACKGROUND = 2


class Sampling(msgspec.Struct, frozen=True):
    """How the next token is chosen. `temperature` 0 is greedy; `seed` None is random.

    The penalties look `repeat_last_n` tokens back. `typical_p` 1 and the other neutral values leave
    their sampler out.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    repeat_last_n: int = 256
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    logit_bias: dict[int, float] = {}


class Grammar(msgspec.Struct, frozen=True):
    """What the output has to keep to, in llguidance's notation (Lark, or its JSON).

    With `triggers`, regular expressions, only from the end of the first match of one of them on, or
    from the beginning of the group in it. The model begins with one of `openings` only if those
    together are as likely as `sure` says (0 to 1), and with something else otherwise.

    For a server that knows no such notation, `schema` is the JSON schema that it comes to, if it
    comes to one; where it is `optional`, the model is only helped to what it would do anyway.
    """

    text: str
    triggers: list[str] = []
    schema: str = ""
    optional: bool = False
    openings: list[str] = []
    min_opening_probability: float = 0.0


class GenerateRequest(msgspec.Struct, frozen=True):
    """Tokens in, tokens out.

    `prompt` holds token ids, special tokens included; `tail` is text that follows them, whose last
    word may be unfinished (the engine heals it: the tokens chosen continue that word, and the
    output is what goes beyond `tail`). Generation ends at the first of `max_tokens`, an
    end-of-generation token, or any text of `stop` (which is not part of the output). `logprobs` is
    the number of alternatives to report per token, or None for none; `prompt_logprobs` reports the
    prompt's tokens too (and so evaluates all of it).

    `repositionable` is the range of `prompt`, as start and end, that may reuse keys and values
    which were evaluated behind another text; without it all are exact. A `frugal` request leaves cores to
    other programs that would bring it little. With a `grammar` only what it allows is chosen.

    `images` are files (PNG, JPEG, ...); `prompt` marks their places as image_refs.py says.
    """

    prompt: list[int]
    max_tokens: int
    sampling: Sampling = Sampling()
    stop: list[str] = []
    lane: Lane = Lane.CHAT
    logprobs: int | None = None
    prompt_logprobs: bool = False
    tail: str = ""
    grammar: Grammar | None = None
    repositionable: tuple[int, int] | None = None
    frugal: bool = False
    images: list[bytes] = []


class TokenAlternative(msgspec.Struct, frozen=True):
    """A token that could stand at a place: its id, its bytes, its natural log probability."""

    id: int
    text: bytes
    logprob: float


class TokenLogprob(msgspec.Struct, frozen=True):
    """A token that does stand there, and the most probable ones, best first.

    `logprob` is None for the first token of a prompt, which nothing predicts.
    """

    id: int
    text: bytes
    logprob: float | None
    top: list[TokenAlternative] = []


class Chunk(msgspec.Struct, frozen=True):
    """A piece of output. `text` never ends inside a character or inside a possible stop string.

    `tokens` is filled only when log probabilities were asked for. `prompt` marks the chunk that
    reports the prompt's tokens; its text is empty. `usage` comes with the first piece of output:
    what the prompt cost, for a reader that does not wait for `Finished`.
    """

    text: str
    tokens: list[TokenLogprob] = []
    is_prompt: bool = False
    usage: "Usage | None" = None


class FinishReason(StrEnum):
    """Why generation ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    """The model called something; told by the chat, not by the engine."""


class Usage(msgspec.Struct, frozen=True):
    """What a request cost. `cached_tokens` of the prompt were reused from the KV cache."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    queue_ms: float = 0.0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0


class Finished(msgspec.Struct, frozen=True):
    """The last event of every generation that did not fail; `stop` is the text that ended it."""

    reason: FinishReason
    usage: Usage
    stop_text: str = ""
