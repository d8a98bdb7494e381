"""The request fields that OpenAI's endpoints share, and their conversion for the engine."""

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from copilotd.chat.tool_calls.grammar import build_schema_grammar
from copilotd.engine.gbnf import convert_gbnf
from copilotd.engine.types import Grammar, Sampling
from copilotd.http.shared.fields import Stops

_SAMPLING_FIELDS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
)
"""Fields of a request that have the same name and meaning in `Sampling`."""

Bias = Annotated[float, Field(ge=-100, le=100)]


class Body(BaseModel):
    """The fields of every request. Unknown fields are ignored, as OpenAI's clients expect."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    model: str | None = None
    """One of GET /v1/models. Any other name selects the default model for such requests."""
    user: str | None = None
    """Ignored."""


class StreamOptions(BaseModel):
    """Options of a stream."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    include_usage: bool = False
    """End the stream with a chunk that has no choices and the usage of the whole request."""


class GenerationBody(Body):
    """The fields that completions and chat completions share."""

    n: Annotated[int, Field(ge=1, le=128)] = 1
    """Choices to generate for each prompt. They differ only if `temperature` is above 0."""
    stop: Stops = []
    """The answer ends before the first of these texts."""
    stream: bool = False
    """Send the answer as server-sent events while the model generates it."""
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0)] | None = None
    """Randomness; 0 always takes the most probable token."""
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Sample from the most probable tokens that together reach this probability."""
    top_k: Annotated[int, Field(ge=-1)] | None = None
    """Sample from this many most probable tokens; 0 and -1 mean all. (llama.cpp's clients)"""
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Leave out tokens below this share of the most probable one. (llama.cpp's clients)"""
    repeat_penalty: Annotated[float, Field(gt=0)] | None = None
    """Above 1: make tokens that occurred less probable. (llama.cpp's clients)"""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Lower a token's score once it has occurred."""
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Lower a token's score each time that it occurs."""
    logit_bias: dict[int, Bias] | None = None
    """Add to the score of tokens, by token id."""
    seed: int | None = None
    """The same seed gives the same answer; choice i uses seed + i. -1 means none."""
    grammar: str | None = None
    """Keep to this grammar, in GBNF. (llama.cpp's clients)"""
    json_schema: dict[str, Any] | None = None
    """Keep to JSON of this schema. (llama.cpp's clients)"""


def build_sampling(body: GenerationBody, default: Sampling, choice: int) -> Sampling:
    """The sampling of one choice; `default` fills the fields that the client left out."""
    sampling = override_sampling(
        default, **{name: getattr(body, name) for name in _SAMPLING_FIELDS}
    )
    return msgspec.structs.replace(sampling, seed=_derive_seed(body.seed, choice))


def override_sampling(default: Sampling, **fields: Any) -> Sampling:
    """`default` with each of `fields` that is not None."""
    present = {name: value for name, value in fields.items() if value is not None}
    return msgspec.structs.replace(default, **present)


def parse_grammar(body: GenerationBody) -> Grammar | None:
    """The grammar from the two fields that llama.cpp's clients send.

    Raises:
        InvalidRequest: the grammar is not GBNF.
    """
    if body.json_schema is not None:
        return build_schema_grammar(body.json_schema)
    return convert_gbnf(body.grammar) if body.grammar else None


def _derive_seed(seed: int | None, choice: int) -> int | None:
    return None if seed is None or seed == -1 else seed + choice
