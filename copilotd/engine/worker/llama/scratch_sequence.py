"""A sequence of the context that belongs to no slot; cells pass through it when they are moved.

llama.cpp shifts a cell for every sequence that shares it, so only cells that no other sequence
holds may be shifted. They are copied into the scratch sequence first. Their keys are rotated here
on the way (`rope.py`), once a test has shown that the result equals llama.cpp's own.
"""

import ctypes
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as C

from copilotd.engine.worker.kv.state_file import SequenceState
from copilotd.engine.worker.llama.rope import Rope, has_same_keys


class ScratchSequence:
    """Sequence `id` of `context`, which is empty between two calls."""

    def __init__(self, context: Any, id: int, rope: Rope | None) -> None:
        self._context = context
        self._memory: Any = C.llama_get_memory(context)
        self._id = id
        self._rope = rope
        self._is_rope_verified = False
        self._batch = C.llama_batch_init(1, 0, 1)

    def export_range(self, sequence: int, start: int, end: int) -> SequenceState:
        """Copy the keys and values of positions `start` to `end` of `sequence`."""
        C.llama_memory_seq_cp(self._memory, sequence, self._id, start, end)
        try:
            return save_state(self._context, self._id)
        finally:
            self._clear()

    def slice_state(self, state: SequenceState, start: int, end: int) -> SequenceState | None:
        """Cut positions `start` to `end` out of `state`; None if there is no room to unpack it."""
        try:
            if not load_state(self._context, self._id, state):
                return None
            C.llama_memory_seq_rm(self._memory, self._id, 0, start)
            C.llama_memory_seq_rm(self._memory, self._id, end, -1)
            return save_state(self._context, self._id)
        finally:
            self._clear()

    def insert(self, sequence: int, state: SequenceState, shift: int) -> bool:
        """Append `state` to `sequence`, moved by `shift` positions.

        Returns False if that is not possible; then nothing has changed.
        """
        rotated = self._rotate(state, shift)
        if rotated is not None:
            state, shift = rotated, 0
        try:
            if not load_state(self._context, self._id, state) or not self._shift(shift):
                return False
            C.llama_memory_seq_cp(self._memory, self._id, sequence, 0, -1)
            return True
        finally:
            self._clear()

    def _rotate(self, state: SequenceState, shift: int) -> SequenceState | None:
        """Return `state` with its keys rotated; None if llama.cpp has to do it."""
        if not shift or self._rope is None:
            return None
        if not self._is_rope_verified:
            self._verify_rope(state, self._rope)
        return self._rope.rotate(state, shift) if self._rope and self._is_rope_verified else None

    def _verify_rope(self, state: SequenceState, rope: Rope) -> None:
        """Rotate `state` here and in llama.cpp, and compare.

        It is rotated very far, where any difference shows. If the keys differ, `rope` is dropped.
        """
        far = int(C.llama_n_ctx(self._context))
        try:
            if not load_state(self._context, self._id, state) or not self._shift(far):
                return
            expected = save_state(self._context, self._id)
        finally:
            self._clear()
        rotated = rope.rotate(state, far)
        self._is_rope_verified = rotated is not None and has_same_keys(rotated, expected, rope)
        self._rope = rope if self._is_rope_verified else None

    def _shift(self, shift: int) -> bool:
        """Let llama.cpp shift the scratch sequence; False if it was interrupted."""
        if not shift:
            return True
        C.llama_memory_seq_add(self._memory, self._id, 0, -1, shift)
        # llama.cpp rotates the keys at the start of the next evaluation. If that were interrupted,
        # some layers would be rotated now and again in the evaluation after it. So one token is
        # evaluated here, where success can be checked, and removed at once.
        end = int(C.llama_memory_seq_pos_max(self._memory, self._id)) + 1
        batch = self._batch
        batch.n_tokens, batch.token[0], batch.pos[0] = 1, 0, end
        batch.n_seq_id[0], batch.seq_id[0][0], batch.logits[0] = 1, self._id, False
        if C.llama_decode(self._context, batch) != 0:
            return False
        return bool(C.llama_memory_seq_rm(self._memory, self._id, end, -1))

    def _clear(self) -> None:
        C.llama_memory_seq_rm(self._memory, self._id, -1, -1)


def save_state(context: Any, sequence: int) -> SequenceState:
    """Copy the keys and values of `sequence` out of `context`."""
    size = C.llama_state_seq_get_size(context, sequence)
    state = np.empty(size, np.uint8)
    written = C.llama_state_seq_get_data(context, _to_pointer(state), size, sequence)
    return state[:written]


def load_state(context: Any, sequence: int, state: SequenceState) -> bool:
    """Copy `state` into the empty `sequence`; False if there is no room for it."""
    return bool(C.llama_state_seq_set_data(context, _to_pointer(state), len(state), sequence))


def _to_pointer(state: SequenceState) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
