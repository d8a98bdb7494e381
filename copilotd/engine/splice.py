"""Cells of text that has moved: found where the same tokens stand, and put where they are wanted.

When the cursor goes to another line, what follows it is mostly the text that followed it before, at
other positions. Keys can be turned to another position, and then such cells predict as well as new
ones, if the first of them, which know best where the old cursor was, are evaluated anew. They are
not the cells of a fresh evaluation, so a slot remembers from where on it holds such.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from copilotd.engine.kv import KVPool, Slot
from copilotd.engine.parking import Parked
from copilotd.engine.statefile import State

WORTH = 32
"""Turning the keys costs as much as evaluating half as many tokens."""
_HEAD = 3
"""Tokens of a run that are evaluated anew."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Run:
    """`length` tokens that stand at `source` in what is held, and at `target` in what is wanted."""

    source: int
    target: int
    length: int


@dataclass(frozen=True, slots=True)
class Splice:
    """A run's keys and values, ready to be put at its target; moved `moves` times with that."""

    run: Run
    state: State
    moves: int


class Cells(Protocol):
    """The operations of the model's cache by which cells move."""

    @property
    def can_shift(self) -> bool:
        """Whether keys and values can be used at other positions."""
        ...

    def lift(self, sequence: int, start: int, end: int) -> State:
        """Copy the keys and values of positions `start` to `end` of `sequence`."""
        ...

    def cut(self, state: State, start: int, end: int) -> State | None:
        """Positions `start` to `end` of a saved `state`; None if there is no room to unpack it."""
        ...

    def insert(self, sequence: int, state: State, shift: int) -> bool:
        """Put `state` behind what `sequence` holds, `shift` positions from where it stood.

        False if that cannot be done; then nothing has changed.
        """
        ...


class Splicer:
    """Plans what to take from elsewhere, and puts it in."""

    def __init__(self, cells: Cells, pool: KVPool) -> None:
        self._cells = cells
        self._pool = pool

    def plan(self, prompt: list[int], movable: tuple[int, int] | None) -> Splice | None:
        """The longest run of what is `movable` that is held anywhere; None if none is worth it.

        To be asked before a slot is acquired, which may cut what holds the run.
        """
        if movable is None or not self._cells.can_shift:
            return None
        start = max(movable[0], self._pool.reach(prompt, movable[0]))
        wanted = prompt[start : movable[1]]
        found = [
            (run, held) for held in self._pool.held() if (run := moved_run(wanted, held.tokens))
        ]
        if not found:
            return None
        run, held = max(found, key=lambda pair: pair[0].length)
        state = self._lifted(held, run)
        if state is None:
            return None
        fresh = run.source + run.length <= held.exact
        target = Run(run.source, start + run.target, run.length)
        return Splice(target, state, 1 if fresh else held.moves + 1)

    def put(self, splice: Splice, slot: Slot, tokens: list[int]) -> bool:
        """Put the run of `tokens` into `slot`, which ends at its target; False if it cannot be."""
        run = splice.run
        # One more is evaluated and forgotten while the keys are turned.
        if not self._pool.make_room(run.length + 1):
            return False
        if not self._cells.insert(slot.sequence, splice.state, run.target - run.source):
            return False
        end = run.target + run.length
        self._pool.append_moved(slot, tokens[run.target : end], splice.moves)
        return True

    def _lifted(self, held: Slot | Parked, run: Run) -> State | None:
        start, end = run.source, run.source + run.length
        if isinstance(held, Slot):
            return self._cells.lift(held.sequence, start, end)
        if not self._pool.make_room(len(held.tokens)):
            return None
        return self._cells.cut(held.state, start, end)


def moved_run(wanted: Sequence[int], held: Sequence[int]) -> Run | None:
    """The longest common run but for its head; None if what remains is not worth the move.

    Where the same tokens are held more than once, the first place counts.
    """
    there, here = _windows(wanted), _windows(held)
    if not len(there) or not len(here):
        return None
    order = np.argsort(here, kind="stable")
    at = order[np.minimum(np.searchsorted(here, there, sorter=order), len(here) - 1)]
    found = here[at] == there
    goes_on = found[1:] & found[:-1] & (at[1:] == at[:-1] + 1)
    starts = np.concatenate(([0], np.flatnonzero(~goes_on) + 1))
    lengths = np.diff(starts, append=len(found)) * found[starts]
    longest = int(np.argmax(lengths))
    length = int(lengths[longest]) - 1 + WORTH - _HEAD
    target = int(starts[longest]) + _HEAD
    source = int(at[starts[longest]]) + _HEAD
    same = wanted[target : target + length] == held[source : source + length]
    return Run(source, target, length) if length >= WORTH and same else None


def _windows(tokens: Sequence[int]) -> NDArray[np.uint64]:
    """A hash of each `WORTH` tokens in succession, shape (len(tokens) - WORTH + 1,) or (0,)."""
    hashes = np.array(tokens, np.uint64)
    length = 1
    # A window is made of two halves, so the length doubles until it is WORTH, a power of two.
    while length < WORTH and len(hashes) > length:
        mixed = hashes * _FACTOR
        mixed ^= mixed >> 29
        hashes = mixed[:-length] * _FACTOR + mixed[length:]
        length *= 2
    return hashes if length == WORTH else hashes[:0]
