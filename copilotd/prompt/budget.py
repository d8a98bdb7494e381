"""The limits of a completion; where the settings say "auto", the machine's speed decides.

On a CPU, prompt tokens and decoded tokens take the time, so both are limited to what fits into the
time that the settings promise. A slow machine gets a short completion instead of none.
"""

from dataclasses import dataclass
from typing import Literal

from copilotd.config import CompletionSection
from copilotd.engine.performance import Speed


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one completion: tokens of its prompt and output, times in milliseconds.

    `cold_prompt_tokens` can be evaluated in the time for a first answer, at a place that is not in
    the KV cache. A request waits `debounce_ms` for the next keystroke. After `partial_after_ms`,
    the part that is written is shown if it is useful. A user who invokes completion gets up to
    `invoked_max_tokens`. `snippet_tokens` are for the code of other files.
    """

    prefix_tokens: int
    suffix_tokens: int
    max_tokens: int
    debounce_ms: float
    partial_after_ms: float
    cold_prompt_tokens: int
    invoked_max_tokens: int = 96
    snippet_tokens: int = 512


_UNMEASURED = Budget(768, 128, 96, 50, 0, 128)
"""Limits that suit most machines, until this one is measured."""

_COLD_MS = 4500
"""Longest prefill of a prompt that is not in the cache: 768 + 128 tokens at 200 tokens/s."""
_JUMP_MS = 650
"""Longest prefill of the suffix, which is evaluated again when the cursor jumps."""
_TOKENS_PER_KEY = 4
"""Tokens that a keystroke usually adds to the prompt at most."""
_MIN_TOKENS, _MAX_TOKENS = 8, 96
"""A shorter completion is useless, and users do not read a longer one."""
_MIN_PREFIX, _MAX_PREFIX = 256, 2048
_MIN_SUFFIX, _MAX_SUFFIX = 48, 512
_MIN_COLD = 64
"""With less context, the model only guesses."""
_SNIPPETS_MS = 3000
"""Longest prefill of the code of other files, which happens in pauses."""
_MIN_SNIPPETS, _MAX_SNIPPETS = 128, 2048
_LONGEST_DEBOUNCE_MS = 75
"""Three quarters of the gaps between keystrokes are longer than 114 ms."""
_STEP = 16
"""Sizes are multiples of this, so that a new measurement does not move every prompt."""


def compute_budget(settings: CompletionSection, speed: Speed | None) -> Budget:
    """The budget from `settings`; for "auto", from what a machine with this `speed` can do."""
    auto = _budget_for_speed(settings, speed) if speed else _UNMEASURED
    return Budget(
        prefix_tokens=_resolve_auto(settings.prefix_tokens, auto.prefix_tokens),
        suffix_tokens=_resolve_auto(settings.suffix_tokens, auto.suffix_tokens),
        max_tokens=_resolve_auto(settings.max_tokens, auto.max_tokens),
        debounce_ms=_resolve_auto(settings.debounce_ms, auto.debounce_ms),
        partial_after_ms=settings.target_ms,
        cold_prompt_tokens=auto.cold_prompt_tokens,
        invoked_max_tokens=_resolve_auto(settings.max_tokens, _MAX_TOKENS),
        snippet_tokens=auto.snippet_tokens,
    )


def _budget_for_speed(settings: CompletionSection, speed: Speed) -> Budget:
    first_ms = speed.decode_ms * speed.batch_cost(_TOKENS_PER_KEY)
    debounce_ms = min(_LONGEST_DEBOUNCE_MS, round(first_ms / 2))
    left_ms = settings.limit_ms - debounce_ms - first_ms
    suffix_tokens = _clamp(_MIN_SUFFIX, _tokens_in(_JUMP_MS, speed), _MAX_SUFFIX)
    prefix_tokens = _tokens_in(_COLD_MS, speed) - suffix_tokens
    return Budget(
        prefix_tokens=_clamp(_MIN_PREFIX, prefix_tokens, _MAX_PREFIX),
        suffix_tokens=suffix_tokens,
        max_tokens=_clamp(_MIN_TOKENS, int(left_ms / speed.decode_ms), _MAX_TOKENS),
        debounce_ms=debounce_ms,
        partial_after_ms=settings.target_ms,
        cold_prompt_tokens=_clamp(_MIN_COLD, _tokens_in(settings.limit_ms / 2, speed), _MAX_PREFIX),
        snippet_tokens=_clamp(_MIN_SNIPPETS, _tokens_in(_SNIPPETS_MS, speed), _MAX_SNIPPETS),
    )


def _tokens_in(ms: float, speed: Speed) -> int:
    return int(speed.prefill_rate * ms / 1000) // _STEP * _STEP


def _clamp(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def _resolve_auto(setting: int | Literal["auto"], auto: float) -> int:
    return int(auto) if setting == "auto" else setting
