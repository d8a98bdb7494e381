"""One llama.cpp context in this process that evaluates, truncates and shifts its KV cells.

The class knows which tokens the cells hold. The settings are those of the engine: unified KV cache,
flash attention off, batches of 512 with micro-batches of 128.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as C
from numpy.typing import NDArray

from benchmarks.fim_layouts.layout import ShiftedCells
from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.worker.llama.vocabulary import Vocabulary

_N_CTX = 6144
_N_BATCH = 512
_N_UBATCH = 128
_MAIN, _ASIDE = 0, 1
"""The sequence in which prompts are evaluated, and the one for cells that are being shifted."""

Rows = NDArray[np.float32]
"""Logits, shape (rows, n_vocab)."""


class Cells:
    """The cells of one sequence, some of which can move to another position."""

    def __init__(self, model: Path, threads: int) -> None:
        self._log = C.llama_log_callback(_ignore_log)
        C.llama_log_set(self._log, None)
        C.llama_backend_init()
        self._model = C.llama_model_load_from_file(
            str(model).encode(), C.llama_model_default_params()
        )
        self.vocabulary = Vocabulary(C.llama_model_get_vocab(self._model))
        self._context = C.llama_init_from_model(self._model, _create_params(threads))
        self._memory: Any = C.llama_get_memory(self._context)
        self._batch = C.llama_batch_init(_N_BATCH, 0, 1)
        self._tokens: list[int] = []

    def evaluate(self, tokens: Sequence[int], rows: int) -> Rows:
        """The logits behind the last `rows` of `tokens`; a cached prefix is not evaluated again."""
        keep = min(common_prefix_length(self._tokens, list(tokens)), len(tokens) - rows)
        self.truncate(keep)
        parts = [
            self._decode(tokens[at : at + _N_BATCH], at, len(tokens) - rows)
            for at in range(keep, len(tokens), _N_BATCH)
        ]
        self._tokens = list(tokens)
        return np.concatenate(parts) if parts else np.empty((0, self.vocabulary.size), np.float32)

    def truncate(self, count: int) -> None:
        """Drop all but the first `count` tokens."""
        _check(C.llama_memory_seq_rm(self._memory, _MAIN, count, -1))
        del self._tokens[count:]

    def save(self) -> NDArray[np.uint8]:
        """A copy of the cells."""
        size = C.llama_state_seq_get_size(self._context, _MAIN)
        state = np.empty(size, np.uint8)
        written = C.llama_state_seq_get_data(self._context, _bytes(state), size, _MAIN)
        return state[:written]

    def put_aside(self, shifted: ShiftedCells, state: NDArray[np.uint8] | None) -> None:
        """Move the cells of `shifted` out of the sequence, or copy them from a saved `state`."""
        if state is None:
            C.llama_memory_seq_cp(self._memory, _MAIN, _ASIDE, 0, -1)
            self.truncate(shifted.start)
        else:
            C.llama_state_seq_set_data(self._context, _bytes(state), len(state), _ASIDE)
        _check(C.llama_memory_seq_rm(self._memory, _ASIDE, 0, shifted.start))
        _check(C.llama_memory_seq_rm(self._memory, _ASIDE, shifted.start + shifted.count, -1))

    def put_back(self, shifted: ShiftedCells) -> None:
        """Join the cells to the sequence, behind the token before `shifted.target`."""
        C.llama_memory_seq_add(self._memory, _ASIDE, 0, -1, shifted.target - shifted.start)
        C.llama_memory_seq_cp(self._memory, _ASIDE, _MAIN, 0, -1)
        _check(C.llama_memory_seq_rm(self._memory, _ASIDE, 0, -1))
        self._tokens += shifted.source[shifted.start : shifted.start + shifted.count]

    def _decode(self, tokens: Sequence[int], at: int, first_row: int) -> Rows:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i] = token, at + i
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, _MAIN
            batch.logits[i] = at + i >= first_row
        _check(C.llama_decode(self._context, batch) == 0)
        kept = [i for i in range(len(tokens)) if at + i >= first_row]
        rows = [self._copy_row(i) for i in kept]
        return np.stack(rows) if rows else np.empty((0, self.vocabulary.size), np.float32)

    def _copy_row(self, index: int) -> NDArray[np.float32]:
        row = C.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(row, (self.vocabulary.size,))


def _create_params(threads: int) -> Any:
    params = C.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = _N_CTX, _N_BATCH, _N_UBATCH
    params.n_seq_max, params.kv_unified = 2, True
    params.n_threads = params.n_threads_batch = threads
    params.flash_attn_type = C.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return params


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(C.ctypes.POINTER(C.ctypes.c_uint8))


def _check(succeeded: bool) -> None:
    if not succeeded:
        raise RuntimeError("llama.cpp refused an operation on its cache")


def _ignore_log(level: int, text: bytes, _: object) -> None:
    """Keep llama.cpp's log out of the tables."""
