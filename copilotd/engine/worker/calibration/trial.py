"""Small contexts in which a calibration tries settings, next to the one that serves requests.

The content of the cells does not change how long a token takes, so the cells are filled with copies
of a few evaluated ones: a thousand cells in milliseconds.
"""

import ctypes
import math
import time
from collections.abc import Callable
from typing import Any

from llama_cpp import llama_cpp as C
from msgspec.structs import replace

from copilotd.engine.performance import Setup
from copilotd.engine.worker.calibration.plan import TrialBatch
from copilotd.errors import EngineError

N_CELLS = 1536
"""Cells for the longest prompt of a calibration and the batches that are measured after it."""

_SEED_TOKENS = 32
"""Number of evaluated tokens; the copies are made from their cells."""
_MAX_CONTEXTS = 3
"""Maximum number of contexts at a time: as many as are compared with each other."""
_MAX_DRAFT_BATCH = 8
"""Up to this size, logits are computed for all tokens of a batch, as when a draft is verified."""


class TrialBench:
    """Measures batches with different settings.

    `new_context` makes a context of `N_CELLS` cells. `can_fill` says that the model's cache can be
    trimmed and attends to all cells.
    """

    def __init__(self, new_context: Callable[[Setup], Any], n_vocab: int, can_fill: bool) -> None:
        self._new_context = new_context
        self._n_vocab = n_vocab
        self._can_fill = can_fill
        self._contexts: dict[Setup, TrialContext] = {}

    def measure(self, batch: TrialBatch) -> float | None:
        """Return milliseconds; infinity if the batch cannot be run, None if it was interrupted."""
        try:
            context = self._find_context(batch.setup)
            context.use_threads(batch.setup)
            return context.measure(batch.cells, batch.tokens)
        except EngineError:
            return math.inf

    def close(self) -> None:
        """Free all memory."""
        while self._contexts:
            self._contexts.popitem()[1].close()

    def _find_context(self, setup: Setup) -> "TrialContext":
        # The number of threads can be changed; every other setting needs its own context.
        key = replace(setup, n_threads=0, n_threads_batch=0)
        context = self._contexts.pop(key, None)
        if context is None:
            if len(self._contexts) == _MAX_CONTEXTS:
                self._contexts.pop(next(iter(self._contexts))).close()
            context = TrialContext(self._new_context(setup), self._n_vocab, self._can_fill)
        self._contexts[key] = context
        return context


class TrialContext:
    """One context of llama.cpp, which this object owns."""

    def __init__(self, context: Any, n_vocab: int, can_fill: bool) -> None:
        self._context = context
        self._memory = C.llama_get_memory(context)
        self._batch = C.llama_batch_init(N_CELLS, 0, 1)
        self._n_vocab = n_vocab
        self._can_fill = can_fill
        self._cells = -1
        self._start = 0

    def use_threads(self, setup: Setup) -> None:
        """Use the setup's numbers of threads from now on."""
        C.llama_set_n_threads(self._context, setup.n_threads, setup.n_threads_batch)

    def measure(self, cells: int, tokens: int) -> float | None:
        """Return the milliseconds that `tokens` tokens take with `cells` cells before them.

        None if the batch was interrupted.

        Raises:
            EngineError: llama.cpp refuses the batch.
        """
        if not self._fill(cells):
            return None
        started = time.perf_counter()
        is_done = self._decode(self._start, tokens)
        ms = (time.perf_counter() - started) * 1000
        if not self._can_fill or not C.llama_memory_seq_rm(self._memory, 0, self._start, -1):
            self._cells = -1
        return ms if is_done else None

    def close(self) -> None:
        """Free the context."""
        C.llama_batch_free(self._batch)
        C.llama_free(self._context)

    def _fill(self, cells: int) -> bool:
        """Occupy about `cells` cells; False if it was interrupted."""
        if cells == self._cells:
            return True
        C.llama_memory_clear(self._memory, True)
        self._cells, self._start = -1, 0
        if cells and self._can_fill:
            if not self._decode(0, _SEED_TOKENS):
                return False
            self._copy_seed(cells // _SEED_TOKENS - 1)
            self._start = _SEED_TOKENS
        self._cells = cells
        return True

    def _copy_seed(self, times: int) -> None:
        """Copy the seed's cells at their own positions; attention accepts repeated positions."""
        size = C.llama_state_seq_get_size(self._context, 0)
        state = (ctypes.c_uint8 * size)()
        C.llama_state_seq_get_data(self._context, state, size, 0)
        for _ in range(times):
            if not C.llama_state_seq_set_data(self._context, state, size, 1):
                raise EngineError("the KV cache of a trial has no room")
            C.llama_memory_seq_cp(self._memory, 1, 0, 0, -1)
            C.llama_memory_seq_rm(self._memory, 1, -1, -1)

    def _decode(self, start: int, tokens: int) -> bool:
        batch = self._batch
        batch.n_tokens = tokens
        for i in range(tokens):
            # Tokens from the whole vocabulary, so that a mixture-of-experts model uses many
            # experts.
            batch.token[i] = (start + i) * 7919 % self._n_vocab
            batch.pos[i] = start + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = tokens <= _MAX_DRAFT_BATCH or i == tokens - 1
        code = C.llama_decode(self._context, batch)
        C.llama_synchronize(self._context)
        if code == 2:
            # Some tokens of the batch may be in the cache.
            self._cells = -1
        elif code != 0:
            raise EngineError(f"llama.cpp could not decode (code {code})")
        return bool(code == 0)
