"""The request and the answer of /completion."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    model_validator,
)
from pydantic_core import PydanticCustomError

from copilotd.http.llama_cpp.prompts import Prompts
from copilotd.http.llama_cpp.timings import Timings
from copilotd.http.shared.fields import Stops


def _check_is_off(value: float) -> float:
    if value > 0:
        raise PydanticCustomError("unsupported", "is not supported; leave it out")
    return value


Off = Annotated[float, AfterValidator(_check_is_off)]
"""The strength of a sampler that copilotd does not have; only values that turn it off are valid."""


class CompletionBody(BaseModel):
    """What to continue, and how. Unknown fields are ignored; null means the default."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    prompt: Prompts
    """A text, token ids, a list with both, or a list of such prompts."""
    n_predict: Annotated[
        int | None,
        Field(
            ge=-1, validation_alias=AliasChoices("n_predict", "max_completion_tokens", "max_tokens")
        ),
    ] = None
    """Tokens to generate at most; 0 only evaluates the prompt. -1, the default, means
    llama_cpp.n_predict of the settings, or as many as fit."""
    n_cmpl: Annotated[int, Field(ge=1, le=128, validation_alias=AliasChoices("n_cmpl", "n"))] = 1
    """Completions for each prompt."""
    stream: bool = False
    """Send the response as server-sent events while the model generates it."""
    stop: Stops = []
    """The output ends before the first of these texts."""
    temperature: float | None = None
    """Randomness; 0 and below always take the most probable token."""
    top_k: int = 40
    """Sample from this many most probable tokens; 0 and below mean all."""
    top_p: float = 0.95
    """Sample from the most probable tokens that together reach this probability."""
    min_p: float = 0.05
    """Leave out tokens below this share of the most probable one."""
    typical_p: float = 1.0
    """Locally typical sampling: keep the tokens near the expected surprise; 1 means all."""
    repeat_last_n: Annotated[int, Field(ge=-1)] = 64
    """Tokens that the penalties look back, at most the context; -1 means all of it."""
    repeat_penalty: Annotated[float, Field(gt=0)] = 1.0
    """Above 1: make tokens that occurred less probable."""
    presence_penalty: float = 0.0
    """Lower a token's score once it has occurred."""
    frequency_penalty: float = 0.0
    """Lower a token's score each time that it occurs."""
    seed: int | None = None
    """The same seed gives the same answer; -1 means none."""
    logit_bias: list[tuple[int | str, float | bool]] | dict[str, float | bool] = []
    """Add to the score of tokens, by id or text; false forbids them."""
    ignore_eos: bool = False
    """Continue where the model would end."""
    n_probs: Annotated[int, Field(ge=0, validation_alias=AliasChoices("n_probs", "logprobs"))] = 0
    """Report each token's log probability, and those of this many alternatives, at most 1,000."""
    return_tokens: bool = False
    """Report the ids of the tokens; a stream always does."""
    json_schema: dict[str, Any] | None = None
    """Keep to JSON of this schema."""
    grammar: str = ""
    """Keep to this grammar, in GBNF."""
    cache_prompt: bool = True
    """Ignored: copilotd always reuses the KV cache, and this does not change the output."""
    response_fields: list[str] = []
    """The fields of the response; all without it. `timings/prompt_n` names one inside another."""
    post_sampling_probs: Literal[False] = False
    """Log probabilities are always the model's own, before any sampler."""
    dynatemp_range: Off = 0.0
    top_n_sigma: Off = -1.0
    xtc_probability: Off = 0.0
    dry_multiplier: Off = 0.0
    mirostat: Off = 0.0
    adaptive_target: float = -1.0
    """Not supported above 0, like the five fields before it."""

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class Candidate(BaseModel):
    """A token that could have stood here."""

    id: int
    token: str
    bytes: list[int]
    logprob: float


class Probability(Candidate):
    """A token of the output; natural logarithms."""

    top_logprobs: list[Candidate]


class Piece(BaseModel):
    """A piece of a streamed completion."""

    index: int
    content: str
    tokens: list[int]
    stop: Literal[False] = False
    id_slot: int = 0
    tokens_predicted: int
    tokens_evaluated: int
    completion_probabilities: list[Probability] | None = None


class Completion(BaseModel):
    """The completion; in a stream it is the last event, without the content."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    index: int
    """Which completion, if there are several."""
    content: str
    tokens: list[int]
    id_slot: int = 0
    stop: Literal[True] = True
    model: str
    tokens_predicted: int
    tokens_evaluated: int
    """Tokens in the prompt."""
    tokens_cached: int
    """Tokens of the prompt that were in the KV cache."""
    generation_settings: dict[str, Any]
    """The settings of this generation."""
    prompt: str
    """The prompt that the model got; control tokens appear as their names."""
    has_new_line: bool
    truncated: bool
    """Whether the output ended because the context was full."""
    stop_type: Literal["eos", "word", "limit"]
    """The model ended (eos), one of `stop` came (word), or the limit was reached (limit)."""
    stopping_word: str
    """The text of `stop` that ended the output."""
    timings: Timings
    completion_probabilities: list[Probability] | None = None


class Selected(RootModel[dict[str, Any]]):
    """A completion with the fields that the request selects."""


EXAMPLES: dict[str, Any] = {
    "text": {
        "summary": "Continue a text",
        "value": {
            "prompt": "# The first ten prime numbers\nprimes = [",
            "n_predict": 48,
            "stop": ["]"],
        },
    },
    "grammar": {
        "summary": "Keep to a grammar",
        "value": {
            "prompt": "Is 91 a prime number? Answer: ",
            "grammar": 'root ::= "yes" | "no"',
            "n_probs": 3,
        },
    },
}
