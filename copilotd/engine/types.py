"""The vocabulary of the engine: requests, the events that answer them, the model and its state.

All packages above the engine share these types. Those that cross the pipe to the worker are msgspec
structs.
"""

from dataclasses import dataclass, fields
from enum import IntEnum, StrEnum

import msgspec

from copilotd.models.fim import FimLayout, FimTokens

UPSTREAM_ARCHITECTURE = "upstream"
"""The architecture of a model on another server; nothing else is known about it."""


class ModelInfo(msgspec.Struct, frozen=True):
    """The loaded model. `size` is in bytes; `n_ctx` is the context served, not the trained one.

    - `controls`: the texts of the control tokens.
    - `can_shift`: whether cached keys and values can be moved to other positions.
    - `opens`, `closes`: tokens that enclose every text that the model embeds.
    - `draft`: the name of the draft model for speculative decoding; empty without one.
    - `system`: what llama.cpp says about the processor features it uses.
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
        """Whether another server holds the model."""
        return self.architecture == UPSTREAM_ARCHITECTURE


class Phase(StrEnum):
    """The phases of an engine."""

    STOPPED = "stopped"
    """No worker runs: none was needed yet, or it was unloaded because it was idle."""
    DOWNLOADING = "downloading"
    """The model file is being downloaded; requests fail with EngineNotReady."""
    LOADING = "loading"
    """The worker loads the model; requests wait."""
    READY = "ready"
    """The model is loaded and answers requests."""
    FAILED = "failed"
    """The last start failed, or the worker died; the next request tries again."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """`detail` is a sentence for a person; `fraction` is the progress, 0 to 1, if it is known."""

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

    def __add__(self, other: "EngineStats") -> "EngineStats":
        """The sum of both; `pid` is the process id of the first one that has a worker."""
        names = [field.name for field in fields(self) if field.name != "pid"]
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return EngineStats(**sums, pid=other.pid if self.pid is None else self.pid)


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """The server that receives the prompts; `answers` says whether it responds now.

    `model` is empty until the first contact with the server; `detail` tells a person what is wrong.
    """

    url: str
    model: str
    answers: bool
    detail: str


class Lane(IntEnum):
    """The priority of a request: a lower number goes first."""

    COMPLETION = 0
    CHAT = 1
    BACKGROUND = 2
    READ_AHEAD = 3
    """Text that no request needs yet; in the KV cache it gives way to everything else."""


class Sampling(msgspec.Struct, frozen=True):
    """How the next token is sampled. `temperature` 0 is greedy; `seed` None is random.

    The penalties apply to the last `repeat_last_n` tokens. A neutral value, such as `typical_p` 1,
    leaves its sampler out.
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
    """A constraint on the output, in llguidance's notation (Lark, or its JSON).

    `triggers` are regular expressions. With triggers, the grammar applies only after the first
    match of a trigger, or from the start of the group in that match. The output may begin with one
    of `openings` only if all openings together have at least `min_opening_probability` (0 to 1).

    `schema` is the equivalent JSON schema, for a server that does not know this notation; empty if
    there is none. An `optional` grammar only helps the model, and a server may ignore it.
    """

    text: str
    triggers: list[str] = []
    schema: str = ""
    optional: bool = False
    openings: list[str] = []
    min_opening_probability: float = 0.0


class GenerateRequest(msgspec.Struct, frozen=True):
    """One generation: tokens in, tokens out.

    `prompt` holds token ids, special tokens included. `tail` is text that follows them, and its
    last word may be unfinished: the engine heals it, so the sampled tokens continue that word, and
    the output is only what comes after `tail`.

    Generation ends at the first of `max_tokens`, an end-of-generation token, or a text of `stop`,
    which is not part of the output. `logprobs` is the number of alternatives to report per token,
    None for no report; `prompt_logprobs` reports the prompt's tokens too, so none is taken from the
    KV cache.

    `repositionable` is a range of `prompt`, as start and end, that may reuse keys and values which
    were evaluated after another text; without it the whole prompt is exact. A `frugal` request
    uses fewer threads where more would barely make it faster. A `grammar` constrains the output.

    `images` are files (PNG, JPEG, ...); `image_refs` defines how `prompt` marks their places.
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
    """A candidate for a position: its id, its bytes and its natural log probability."""

    id: int
    text: bytes
    logprob: float


class TokenLogprob(msgspec.Struct, frozen=True):
    """The token at a position, and the most probable candidates, best first.

    `logprob` is None for the first token of a prompt, which nothing predicts.
    """

    id: int
    text: bytes
    logprob: float | None
    top: list[TokenAlternative] = []


class Chunk(msgspec.Struct, frozen=True):
    """A piece of output. `text` never ends inside a character or inside a possible stop string.

    `tokens` is filled only if the request asks for log probabilities. `is_prompt` marks the chunk
    that reports the prompt's tokens; its text is empty. The first piece of output has `usage`, so
    that a reader who does not wait for `Finished` knows the cost of the prompt.
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
    """The model called a tool; only the chat service gives this reason, never the engine."""


class Usage(msgspec.Struct, frozen=True):
    """The cost of a request. `cached_tokens` of the prompt were reused from the KV cache."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    queue_ms: float = 0.0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0


class Finished(msgspec.Struct, frozen=True):
    """The last event of a successful generation; `stop_text` is the stop string that ended it."""

    reason: FinishReason
    usage: Usage
    stop_text: str = ""
