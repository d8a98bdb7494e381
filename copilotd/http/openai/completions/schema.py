"""The request and the response of /v1/completions."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from copilotd.engine.types import FinishReason
from copilotd.http.shared.fields import Texts
from copilotd.http.shared.generation import GenerationBody
from copilotd.http.shared.usage import Usage


class CompletionBody(GenerationBody):
    """What to continue, and how."""

    prompt: Texts
    """The text before the completion; each prompt of a list gets its own completion (or `n`)."""
    suffix: str | None = None
    """The text after the completion. With it, even if empty, the model fills in the middle."""
    max_tokens: Annotated[int, Field(ge=-1)] | None = 16
    """Tokens to generate at most; null and -1 mean as many as fit."""
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    """Report the log probabilities of each token and of this many alternatives."""
    echo: bool = False
    """Begin the text with the prompt (and the log probabilities with those of its tokens)."""
    best_of: int | None = None
    """Must equal `n`; choosing among more candidates is not supported."""

    @field_validator("suffix")
    @classmethod
    def _check_prompt_is_text(cls, suffix: str | None, info: ValidationInfo) -> str | None:
        prompt = info.data.get("prompt", [])
        if suffix is not None and not all(isinstance(text, str) for text in prompt):
            raise PydanticCustomError("suffix", "needs a prompt that is text, not token ids")
        return suffix

    @field_validator("best_of")
    @classmethod
    def _check_equals_n(cls, best_of: int | None, info: ValidationInfo) -> int | None:
        if best_of not in (None, info.data.get("n")):
            raise PydanticCustomError("best_of", "should equal n, or be left out")
        return best_of


class Logprobs(BaseModel):
    """Each list has one entry for each token; natural logarithms."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    tokens: list[str]
    token_logprobs: list[float | None]
    """null for the first token of a prompt, because nothing precedes it."""
    top_logprobs: list[dict[str, float] | None]
    """The alternatives, and the token itself."""
    text_offset: list[int]
    """The offset of each token in prompt + text, in code points."""


class CompletionChoice(BaseModel):
    """One choice, or a piece of it."""

    text: str
    index: int
    logprobs: Logprobs | None
    finish_reason: FinishReason | None


class Completion(BaseModel):
    """The whole response; a stream sends objects of the same shape with pieces of the text."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: Usage | None = None


EXAMPLES: dict[str, Any] = {
    "instruction": {
        "summary": "Continue a text",
        "value": {
            "prompt": "\n\n### Instructions:\nWhat is the capital of France?\n\n### Response:\n",
            "stop": ["\n", "###"],
        },
    },
    "fill in the middle": {
        "summary": "Fill in the middle of code",
        "value": {
            "prompt": "def is_even(number: int) -> bool:\n    return ",
            "suffix": "\n\n\nprint(is_even(4))\n",
            "max_tokens": 32,
            "stop": ["\n"],
        },
    },
    "stream": {
        "summary": "Two choices as a stream, with usage at its end",
        "value": {
            "prompt": "# The first ten prime numbers\nprimes = [",
            "max_tokens": 48,
            "n": 2,
            "temperature": 0.8,
            "seed": 7,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    },
}
