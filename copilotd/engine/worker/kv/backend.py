"""What the slot pool and the repositioner need from llama.cpp's KV cache."""

from typing import Protocol

from copilotd.engine.worker.kv.state_file import SequenceState


class KVCache(Protocol):
    """Operations on sequences of cells. A position is a token index."""

    @property
    def can_trim(self) -> bool:
        """Whether a sequence can be cut at any position (not in recurrent and hybrid models)."""
        ...

    @property
    def can_shift(self) -> bool:
        """Whether keys and values can be reused at other positions."""
        ...

    def trim(self, sequence: int, start: int) -> None:
        """Remove the cells of `sequence` from position `start` on."""
        ...

    def copy(self, source: int, target: int, end: int) -> None:
        """Share the cells of `source` before position `end` with `target`."""
        ...

    def save(self, sequence: int) -> SequenceState:
        """Copy the keys and values of `sequence` out of the context."""
        ...

    def load(self, sequence: int, state: SequenceState) -> bool:
        """Copy `state` into the empty `sequence`; False if there is no room for it."""
        ...

    def export_range(self, sequence: int, start: int, end: int) -> SequenceState:
        """Copy the keys and values of positions `start` to `end` of `sequence`."""
        ...

    def slice_state(self, state: SequenceState, start: int, end: int) -> SequenceState | None:
        """Cut positions `start` to `end` out of `state`; None if there is no room to unpack it."""
        ...

    def insert(self, sequence: int, state: SequenceState, shift: int) -> bool:
        """Append `state` to `sequence`, moved by `shift` positions.

        Returns False if that is not possible; then nothing has changed.
        """
        ...
