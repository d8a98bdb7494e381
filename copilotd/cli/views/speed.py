"""A machine's speed in words."""

from copilotd.engine.performance import Speed
from copilotd.prompt.budget import Budget

_SLOW_PREFILL = 60.0
"""Tokens/s: below this, prefill of a new file takes more than ten seconds."""
_SLOW_DECODE_MS = 100.0
"""Milliseconds per token: above this, a line takes more than a second."""

SMALLER_MODEL = "A smaller model is faster: copilotd models list"


def describe_speed(speed: Speed, budget: Budget) -> str:
    """One line: the speed of the model, and the length of completions."""
    return (
        f"prompt {speed.prefill_rate:.0f} tokens/s, answer {1000 / speed.decode_ms:.0f} tokens/s: "
        f"suggestions of up to {budget.max_tokens} tokens"
    )


def is_slow(speed: Speed) -> bool:
    """Whether the machine is too slow for comfort."""
    return speed.prefill_rate < _SLOW_PREFILL or speed.decode_ms > _SLOW_DECODE_MS
