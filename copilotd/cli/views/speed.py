"""A machine's speed in words."""

from copilotd.engine.performance import Speed
from copilotd.prompt.budget import Budget

_SLOW_PREFILL = 60.0
"""Tokens per second: with less, reading a file anew takes more than ten seconds."""
_SLOW_DECODE_MS = 100.0
"""A token: with more, a line takes more than a second."""

SMALLER_MODEL = "A smaller model is faster: copilotd models list"


def in_words(speed: Speed, budget: Budget) -> str:
    """One line: what the model does, and how long suggestions are."""
    return (
        f"prompt {speed.prefill_rate:.0f} tokens/s, answer {1000 / speed.decode_ms:.0f} tokens/s: "
        f"suggestions of up to {budget.max_tokens} tokens"
    )


def is_slow(speed: Speed) -> bool:
    """Whether a person would complain."""
    return speed.prefill_rate < _SLOW_PREFILL or speed.decode_ms > _SLOW_DECODE_MS
