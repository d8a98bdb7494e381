"""Fields that several of OpenAI's endpoints have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from copilotd.http.shared.fields import Stops

Bias = Annotated[float, Field(ge=-100, le=100)]


class Body(BaseModel):
    """What every request may have. Unknown fields are ignored, as OpenAI's clients expect."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    model: str | None = None
    """One of GET /v1/models; with any other name, the model that is for such requests answers."""
    user: str | None = None
    """Ignored."""


class StreamOptions(BaseModel):
    """Options of a stream."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    include_usage: bool = False
    """End the stream with a chunk that has no choices and the whole request's usage."""


class GenerationBody(Body):
    """What completions and chat completions have in common."""

    n: Annotated[int, Field(ge=1, le=128)] = 1
    """Choices to generate per prompt. They differ only if `temperature` is above 0."""
    stop: Stops = []
    """End before the first of these texts."""
    stream: bool = False
    """Send the answer as server-sent events while it is made."""
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
    """Above 1: make what was said less probable. (llama.cpp's clients)"""
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


class PromptTokensDetails(BaseModel):
    """What became of the prompt."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    cached_tokens: int
    """Tokens that were in the KV cache already and cost nothing."""


class Usage(BaseModel):
    """What the request cost, in tokens; all choices together, each prompt once."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
