"""Between OpenAI's fields and our values, as far as several endpoints share them."""

from collections.abc import Sequence

import msgspec

from copilotd.chat.tool_calls.grammar import of_schema
from copilotd.engine import types
from copilotd.engine.gbnf import of_gbnf
from copilotd.engine.types import Grammar, Sampling
from copilotd.http.openai.schema import GenerationBody, PromptTokensDetails, Usage


def sampling(body: GenerationBody, default: Sampling, choice: int) -> Sampling:
    """How tokens of the given choice are drawn; what the client leaves open is `default`'s."""
    named = {
        name: value
        for name in (
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "repeat_penalty",
            "presence_penalty",
            "frequency_penalty",
            "logit_bias",
        )
        if (value := getattr(body, name)) is not None
    }
    return msgspec.structs.replace(default, **named, seed=_seed(body.seed, choice))


def grammar(body: GenerationBody) -> Grammar | None:
    """What the output keeps to, where a client of llama.cpp's says it in its own way.

    Raises:
        InvalidRequest: the grammar is not GBNF.
    """
    if body.json_schema is not None:
        return of_schema(body.json_schema)
    return of_gbnf(body.grammar) if body.grammar else None


def usage(costs: Sequence[types.Usage], n: int) -> Usage:
    """The sum over all choices, of which `n` in a row share a prompt."""
    prompt_tokens = sum(cost.prompt_tokens for cost in costs[::n])
    completion_tokens = sum(cost.completion_tokens for cost in costs)
    cached_tokens = sum(cost.cached_tokens for cost in costs[::n])
    return Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=prompt_tokens + completion_tokens,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=cached_tokens),
    )


def token_text(data: bytes) -> str:
    r"""The text of one token; bytes that are only a part of a character as \xNN."""
    return data.decode("utf-8", "backslashreplace")


def _seed(seed: int | None, choice: int) -> int | None:
    return None if seed is None or seed == -1 else seed + choice
