"""The sequence of a context that belongs to no slot: cells that move pass through it.

llama.cpp moves whatever stands at a position, for every sequence that shares it, and only cells
that nobody else holds may be moved. So they are copied into the spare sequence first. Their keys
are turned on the way (`rope.py`), once that was seen to give what llama.cpp gives.
"""

import ctypes
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as C

from copilotd.engine.worker.kv.state_file import State
from copilotd.engine.worker.llama.rope import Rope, alike


class Spare:
    """Sequence `id` of `context`, which is empty between two calls."""

    def __init__(self, context: Any, id: int, rope: Rope | None) -> None:
        self._context = context
        self._memory: Any = C.llama_get_memory(context)
        self._id = id
        self._rope = rope
        self._proven = False
        self._batch = C.llama_batch_init(1, 0, 1)

    def lift(self, sequence: int, start: int, end: int) -> State:
        """Copy the keys and values of positions `start` to `end` of `sequence`."""
        C.llama_memory_seq_cp(self._memory, sequence, self._id, start, end)
        try:
            return save(self._context, self._id)
        finally:
            self._clear()

    def cut(self, state: State, start: int, end: int) -> State | None:
        """Positions `start` to `end` of a saved `state`; None if there is no room to unpack it."""
        try:
            if not load(self._context, self._id, state):
                return None
            C.llama_memory_seq_rm(self._memory, self._id, 0, start)
            C.llama_memory_seq_rm(self._memory, self._id, end, -1)
            return save(self._context, self._id)
        finally:
            self._clear()

    def insert(self, sequence: int, state: State, shift: int) -> bool:
        """Put `state` behind what `sequence` holds, `shift` positions from where it stood.

        False if that cannot be done; then nothing has changed.
        """
        turned = self._turned(state, shift)
        if turned is not None:
            state, shift = turned, 0
        try:
            if not load(self._context, self._id, state) or not self._moved(shift):
                return False
            C.llama_memory_seq_cp(self._memory, self._id, sequence, 0, -1)
            return True
        finally:
            self._clear()

    def _turned(self, state: State, shift: int) -> State | None:
        """`state` with its keys turned; None if that is llama.cpp's to do."""
        if not shift or self._rope is None:
            return None
        if not self._proven:
            self._prove(state, self._rope)
        return self._rope.turned(state, shift) if self._rope and self._proven else None

    def _prove(self, state: State, rope: Rope) -> None:
        """Turn `state` in both ways, very far, where any difference shows, and compare."""
        far = int(C.llama_n_ctx(self._context))
        try:
            if not load(self._context, self._id, state) or not self._moved(far):
                return
            expected = save(self._context, self._id)
        finally:
            self._clear()
        turned = rope.turned(state, far)
        self._proven = turned is not None and alike(turned, expected, rope)
        self._rope = rope if self._proven else None

    def _moved(self, shift: int) -> bool:
        """Have llama.cpp move what the spare sequence holds; False if that was interrupted."""
        if not shift:
            return True
        C.llama_memory_seq_add(self._memory, self._id, 0, -1, shift)
        # The keys are turned at the beginning of the next evaluation. Were that interrupted, some
        # layers would be turned, and again in the one after it: so it is done here, where it can
        # be seen to succeed, with a token that is forgotten at once.
        end = int(C.llama_memory_seq_pos_max(self._memory, self._id)) + 1
        batch = self._batch
        batch.n_tokens, batch.token[0], batch.pos[0] = 1, 0, end
        batch.n_seq_id[0], batch.seq_id[0][0], batch.logits[0] = 1, self._id, False
        if C.llama_decode(self._context, batch) != 0:
            return False
        return bool(C.llama_memory_seq_rm(self._memory, self._id, end, -1))

    def _clear(self) -> None:
        C.llama_memory_seq_rm(self._memory, self._id, -1, -1)


def save(context: Any, sequence: int) -> State:
    """Copy the keys and values of `sequence` out of `context`."""
    size = C.llama_state_seq_get_size(context, sequence)
    state = np.empty(size, np.uint8)
    written = C.llama_state_seq_get_data(context, _pointer(state), size, sequence)
    return state[:written]


def load(context: Any, sequence: int, state: State) -> bool:
    """Copy them back into the empty `sequence`; False if there is no room for them."""
    return bool(C.llama_state_seq_set_data(context, _pointer(state), len(state), sequence))


def _pointer(state: State) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
