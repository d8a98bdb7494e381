"""Reuses the cells of text that has moved to other positions.

When the cursor moves to another line, most of the text after it was after it before, at other
positions. Keys can be rotated to another position. Repositioned cells predict as well as new ones
if the first few are evaluated again, since the first few depend most on where the old cursor was.
They do not equal the cells of a fresh evaluation, so a slot remembers the position of the first
repositioned cell.
"""

from dataclasses import dataclass

from copilotd.engine.tokens.moved_run import MIN_MOVED_TOKENS, TokenRun, find_moved_run
from copilotd.engine.worker.kv.backend import KVCache
from copilotd.engine.worker.kv.memory_tier import MemoryEntry
from copilotd.engine.worker.kv.slot import Slot
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.kv.state_file import SequenceState


@dataclass(frozen=True, slots=True)
class RepositionPlan:
    """The keys and values of `run`, ready to be inserted at its target."""

    run: TokenRun
    state: SequenceState


class Repositioner:
    """Plans which cells to take from another sequence, and inserts them."""

    def __init__(self, cache: KVCache, pool: SlotPool) -> None:
        self._cache = cache
        self._pool = pool

    def plan(
        self, prompt: list[int], repositionable: tuple[int, int] | None
    ) -> RepositionPlan | None:
        """Find the longest run of the `repositionable` range in any sequence of the pool.

        Returns None if no run is long enough. Call this before a slot is acquired: acquiring one
        may truncate the sequence that holds the run.
        """
        if repositionable is None or not self._cache.can_shift:
            return None
        start = max(repositionable[0], self._pool.cached_prefix_length(prompt, repositionable[0]))
        # One token must be evaluated after the run before anything can be predicted.
        tokens = prompt[start : min(repositionable[1], len(prompt) - 1)]
        if len(tokens) < MIN_MOVED_TOKENS:
            return None
        runs = [
            (run, source)
            for source in self._pool.iter_sequences()
            if (run := find_moved_run(tokens, source.tokens))
        ]
        if not runs:
            return None
        run, source = max(runs, key=lambda pair: pair[0].length)
        state = self._export_run(source, run)
        if state is None:
            return None
        return RepositionPlan(TokenRun(run.source, start + run.target, run.length), state)

    def apply(self, plan: RepositionPlan, slot: Slot, tokens: list[int]) -> bool:
        """Insert the planned run of `tokens` into `slot`, whose tokens end at the run's target.

        Returns False if that is not possible; then nothing has changed.
        """
        run = plan.run
        # llama.cpp evaluates one more token, which is then removed, when it rotates the keys.
        if not self._pool.make_room(run.length + 1):
            return False
        if not self._cache.insert(slot.sequence, plan.state, run.target - run.source):
            return False
        end = run.target + run.length
        self._pool.append_repositioned(slot, tokens[run.target : end])
        return True

    def _export_run(self, source: Slot | MemoryEntry, run: TokenRun) -> SequenceState | None:
        start, end = run.source, run.source + run.length
        if isinstance(source, Slot):
            return self._cache.export_range(source.sequence, start, end)
        if not self._pool.make_room(len(source.tokens)):
            return None
        return self._cache.slice_state(source.state, start, end)
