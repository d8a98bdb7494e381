"""The report of an answer's cost and tokens in OpenAI's format."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from copilotd.engine import types


class PromptTokensDetails(BaseModel):
    """How much of the prompt was cached."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    cached_tokens: int
    """Tokens that were already in the KV cache and cost nothing."""


class Usage(BaseModel):
    """Tokens of the whole request: all choices, and each prompt once."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails


def sum_usage(costs: Sequence[types.Usage], n: int) -> Usage:
    """The sum over all choices; each run of `n` choices shares one prompt."""
    prompt_tokens = sum(cost.prompt_tokens for cost in costs[::n])
    completion_tokens = sum(cost.completion_tokens for cost in costs)
    cached_tokens = sum(cost.cached_tokens for cost in costs[::n])
    return Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=prompt_tokens + completion_tokens,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=cached_tokens),
    )


def decode_token(data: bytes) -> str:
    r"""The text of one token; bytes that are only part of a character become \xNN."""
    return data.decode("utf-8", "backslashreplace")
