"""What the pool and the splicer need of llama.cpp's memory."""

from typing import Protocol

from copilotd.engine.worker.kv.state_file import State


class Cache(Protocol):
    """Operations on sequences of cells. Positions are token indices."""

    @property
    def can_trim(self) -> bool:
        """Whether a sequence can be cut anywhere (recurrent and hybrid models cannot)."""
        ...

    @property
    def can_shift(self) -> bool:
        """Whether keys and values can be used at other positions."""
        ...

    def trim(self, sequence: int, start: int) -> None:
        """Forget the cells of `sequence` from position `start` on."""
        ...

    def copy(self, source: int, target: int, end: int) -> None:
        """Share the cells of `source` before position `end` with `target`."""
        ...

    def save(self, sequence: int) -> State:
        """Copy the keys and values of `sequence` out of the context."""
        ...

    def load(self, sequence: int, state: State) -> bool:
        """Copy them back into the empty `sequence`; False if there is no room for them."""
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
