"""How much a suggestion may cost: what the settings leave open follows from the machine's speed.

On a CPU the time goes into prompt tokens and decoded tokens, so both are bounded by what can be
done in the time that the settings promise. A slow machine gets a short suggestion, not none.
"""

from dataclasses import dataclass
from typing import Literal

from copilotd.config import CompletionSection
from copilotd.engine.performance import Speed


@dataclass(frozen=True, slots=True)
class Budget:
    """The bounds of one suggestion: tokens shown to the model and written by it, times in ms.

    `cold_prompt_tokens` can be read in the time for a first answer, at a place that is new to the model.
    `debounce_ms` is waited for the next keystroke. From `partial_after_ms` on what is written so far is
    shown if it is of use. `invoked_max_tokens` may be written for somebody who asked explicitly.
    `snippet_tokens` are of other files.
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
"""Bounds that suit most machines, until this one is measured."""

_COLD_MS = 4500
"""Reading a prompt of which nothing is in the cache takes no longer, by which all else follows:
768 and 128 tokens at 200 tokens per second."""
_JUMP_MS = 650
"""Reading the suffix again, which is due when the cursor jumps."""
_TYPED = 4
"""Tokens that a keystroke adds to the prompt at most, as a rule."""
_LEAST_TOKENS, _MOST_TOKENS = 8, 96
"""A shorter suggestion is of no use; a longer one is read by nobody."""
_LEAST_PREFIX, _MOST_PREFIX = 256, 2048
_LEAST_SUFFIX, _MOST_SUFFIX = 48, 512
_LEAST_FIRST = 64
"""With less the model guesses; with more it gets slower and no better."""
_SNIPPETS_MS = 3000
"""Reading the code of other files, which is done in the pauses."""
_LEAST_SNIPPETS, _MOST_SNIPPETS = 128, 2048
_LONGEST_DEBOUNCE_MS = 75
"""Three quarters of the pauses in typing are longer than 114 ms."""
_STEP = 16
"""Sizes are multiples of it, so that measuring again does not move every window."""


def budget(settings: CompletionSection, speed: Speed | None) -> Budget:
    """What `settings` say, and where they say "auto", what a machine of that `speed` can do."""
    auto = _measured(settings, speed) if speed else _UNMEASURED
    return Budget(
        prefix_tokens=_or(settings.prefix_tokens, auto.prefix_tokens),
        suffix_tokens=_or(settings.suffix_tokens, auto.suffix_tokens),
        max_tokens=_or(settings.max_tokens, auto.max_tokens),
        debounce_ms=_or(settings.debounce_ms, auto.debounce_ms),
        partial_after_ms=settings.target_ms,
        cold_prompt_tokens=auto.cold_prompt_tokens,
        invoked_max_tokens=_or(settings.max_tokens, _MOST_TOKENS),
        snippet_tokens=auto.snippet_tokens,
    )


def _measured(settings: CompletionSection, speed: Speed) -> Budget:
    first_ms = speed.decode_ms * speed.batch_cost(_TYPED)
    debounce_ms = min(_LONGEST_DEBOUNCE_MS, round(first_ms / 2))
    left_ms = settings.limit_ms - debounce_ms - first_ms
    suffix_tokens = _within(_LEAST_SUFFIX, _read_in(_JUMP_MS, speed), _MOST_SUFFIX)
    prefix_tokens = _read_in(_COLD_MS, speed) - suffix_tokens
    return Budget(
        prefix_tokens=_within(_LEAST_PREFIX, prefix_tokens, _MOST_PREFIX),
        suffix_tokens=suffix_tokens,
        max_tokens=_within(_LEAST_TOKENS, int(left_ms / speed.decode_ms), _MOST_TOKENS),
        debounce_ms=debounce_ms,
        partial_after_ms=settings.target_ms,
        cold_prompt_tokens=_within(
            _LEAST_FIRST, _read_in(settings.limit_ms / 2, speed), _MOST_PREFIX
        ),
        snippet_tokens=_within(_LEAST_SNIPPETS, _read_in(_SNIPPETS_MS, speed), _MOST_SNIPPETS),
    )


def _read_in(ms: float, speed: Speed) -> int:
    return int(speed.prefill_rate * ms / 1000) // _STEP * _STEP


def _within(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def _or(setting: int | Literal["auto"], auto: float) -> int:
    return int(auto) if setting == "auto" else setting
