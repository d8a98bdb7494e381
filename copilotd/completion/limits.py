"""How many tokens a request may cost, and how long it waits."""

import time
from dataclasses import replace

from copilotd.completion.types import CompletionRequest
from copilotd.completion.typing_speed import TypingSpeed
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.performance import Speed
from copilotd.prompt.budget import Budget, compute_budget

_SHARE_OF_GAP = 0.7
"""A user who types fast gets an answer within this share of the usual gap between keystrokes."""
_MIN_WAIT_S = 0.08


class Limits:
    """The limits of requests under the current settings and the measured speed.

    `typing` has what is known about the user's keystrokes.
    """

    def __init__(self, settings: Live[CompletionSection], speed: Live[Speed | None]) -> None:
        self.typing = TypingSpeed()
        self._settings = settings
        self._speed = speed

    @property
    def budget(self) -> Budget:
        """The limits of an automatic completion."""
        return compute_budget(self._settings.current, self._speed.current)

    def budget_for(self, request: CompletionRequest) -> Budget:
        """The budget of `request`. A request for the whole text may cost the most tokens."""
        budget = self.budget
        max_tokens = budget.invoked_max_tokens if request.waits_for_whole else budget.max_tokens
        return replace(budget, max_tokens=min(max_tokens, request.max_tokens or max_tokens))

    def debounce_s(self, request: CompletionRequest) -> float:
        """Seconds to wait for the next keystroke; less if the last one is already a while ago.

        VS Code itself waits before it sends a request, and a cursor that rested before may rest
        again.
        """
        if request.waits_for_whole:
            return 0.0
        quiet_s = self.typing.quiet_s(request.key, time.perf_counter())
        return max(0.0, self.budget.debounce_ms / 1000 - quiet_s)

    def longest_wait_s(self, request: CompletionRequest) -> float:
        """Seconds to wait for the whole completion."""
        if request.waits_for_whole:
            return float("inf")
        wait_s = self.budget.partial_after_ms / 1000
        gap_s = self.typing.usual_gap(request.key, time.perf_counter())
        return wait_s if gap_s is None else min(wait_s, max(_MIN_WAIT_S, _SHARE_OF_GAP * gap_s))
