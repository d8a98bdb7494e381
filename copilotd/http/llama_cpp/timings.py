"""The cost of a generation, as llama.cpp's server reports it."""

from pydantic import BaseModel, ConfigDict

from copilotd.engine.types import Usage


class Timings(BaseModel):
    """Tokens and times. `prompt` counts evaluated tokens, `cache` tokens from the KV cache."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    cache_n: int
    prompt_n: int
    prompt_ms: float
    prompt_per_token_ms: float
    prompt_per_second: float
    predicted_n: int
    predicted_ms: float
    """Time after the first token. The prefill produces that token, so the rates leave it out."""
    predicted_per_token_ms: float
    predicted_per_second: float

    @classmethod
    def from_usage(cls, usage: Usage) -> "Timings":
        """The timings of one generation."""
        evaluated = usage.prompt_tokens - usage.cached_tokens
        steps = max(0, usage.completion_tokens - 1)
        return cls(
            cache_n=usage.cached_tokens,
            prompt_n=evaluated,
            prompt_ms=usage.prefill_ms,
            prompt_per_token_ms=_divide(usage.prefill_ms, evaluated),
            prompt_per_second=_divide(1000 * evaluated, usage.prefill_ms),
            predicted_n=usage.completion_tokens,
            predicted_ms=usage.decode_ms,
            predicted_per_token_ms=_divide(usage.decode_ms, steps),
            predicted_per_second=_divide(1000 * steps, usage.decode_ms),
        )


def _divide(value: float, by: float) -> float:
    return value / by if by else 0.0
