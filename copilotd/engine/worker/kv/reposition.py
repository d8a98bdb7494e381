"""Cells of text that has moved: found where the same tokens stand, and put where they are wanted.

When the cursor goes to another line, what follows it is mostly the text that followed it before, at
other positions. Keys can be turned to another position, and then such cells predict as well as new
ones, if the first of them, which know best where the old cursor was, are evaluated anew. They are
not the cells of a fresh evaluation, so a slot remembers from where on it holds such.
"""

from dataclasses import dataclass

from copilotd.engine.tokens.moved_run import WORTH, Run, moved_run
from copilotd.engine.worker.kv.backend import Cache
from copilotd.engine.worker.kv.memory_tier import Parked
from copilotd.engine.worker.kv.slot_pool import KVPool, Slot
from copilotd.engine.worker.kv.state_file import State


@dataclass(frozen=True, slots=True)
class Splice:
    """A run's keys and values, ready to be put at its target."""

    run: Run
    state: State


class Splicer:
    """Plans what to take from elsewhere, and puts it in."""

    def __init__(self, cache: Cache, pool: KVPool) -> None:
        self._cache = cache
        self._pool = pool

    def plan(self, prompt: list[int], movable: tuple[int, int] | None) -> Splice | None:
        """The longest run of what is `movable` that is held anywhere; None if none is worth it.

        To be asked before a slot is acquired, which may cut what holds the run.
        """
        if movable is None or not self._cache.can_shift:
            return None
        start = max(movable[0], self._pool.reach(prompt, movable[0]))
        # Something has to be evaluated behind it before anything can be predicted.
        wanted = prompt[start : min(movable[1], len(prompt) - 1)]
        if len(wanted) < WORTH:
            return None
        found = [
            (run, held) for held in self._pool.held() if (run := moved_run(wanted, held.tokens))
        ]
        if not found:
            return None
        run, held = max(found, key=lambda pair: pair[0].length)
        state = self._lifted(held, run)
        if state is None:
            return None
        return Splice(Run(run.source, start + run.target, run.length), state)

    def put(self, splice: Splice, slot: Slot, tokens: list[int]) -> bool:
        """Put the run of `tokens` into `slot`, which ends at its target; False if it cannot be."""
        run = splice.run
        # One more is evaluated and forgotten while the keys are turned.
        if not self._pool.make_room(run.length + 1):
            return False
        if not self._cache.insert(slot.sequence, splice.state, run.target - run.source):
            return False
        end = run.target + run.length
        self._pool.append_moved(slot, tokens[run.target : end])
        return True

    def _lifted(self, held: Slot | Parked, run: Run) -> State | None:
        start, end = run.source, run.source + run.length
        if isinstance(held, Slot):
            return self._cache.lift(held.sequence, start, end)
        if not self._pool.make_room(len(held.tokens)):
            return None
        return self._cache.cut(held.state, start, end)
