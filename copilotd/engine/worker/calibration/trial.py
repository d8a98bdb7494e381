"""Small contexts beside the one that serves, in which a calibration tries ways of running.

What the cells of the cache hold makes no difference to the time that a token takes, so they are
filled with copies of a few evaluated ones: a thousand cells in milliseconds.
"""

import ctypes
import math
import time
from collections.abc import Callable
from typing import Any

from llama_cpp import llama_cpp as C
from msgspec.structs import replace

from copilotd.engine.performance import Setup
from copilotd.engine.worker.calibration.plan import Work
from copilotd.errors import EngineError

N_CELLS = 1536
"""Room for the longest prompt of a calibration and what is measured behind it."""

_SEED = 32
"""Evaluated tokens that the copies are made of."""
_MOST_TRIALS = 3
"""Contexts at a time: as many as are compared with each other."""
_SPECULATED = 8
"""Of so many tokens at most all are predicted from, as in verifying a draft."""


class TrialBench:
    """Does the work of a calibration; `new_context` makes a context of `N_CELLS` cells.

    `can_fill` says that the model's cache can be cut, and keeps all cells for attention.
    """

    def __init__(self, new_context: Callable[[Setup], Any], n_vocab: int, can_fill: bool) -> None:
        self._new_context = new_context
        self._n_vocab = n_vocab
        self._can_fill = can_fill
        self._trials: dict[Setup, Trial] = {}

    def measure(self, work: Work) -> float | None:
        """Milliseconds; infinity if this cannot be done, None if it was interrupted."""
        try:
            trial = self._trial(work.setup)
            trial.use_threads(work.setup)
            return trial.measure(work.cells, work.tokens)
        except EngineError:
            return math.inf

    def close(self) -> None:
        """Give all memory back."""
        while self._trials:
            self._trials.popitem()[1].close()

    def _trial(self, setup: Setup) -> "Trial":
        # The number of threads can be changed, all else needs a context of its own.
        key = replace(setup, n_threads=0, n_threads_batch=0)
        trial = self._trials.pop(key, None)
        if trial is None:
            if len(self._trials) == _MOST_TRIALS:
                self._trials.pop(next(iter(self._trials))).close()
            trial = Trial(self._new_context(setup), self._n_vocab, self._can_fill)
        self._trials[key] = trial
        return trial


class Trial:
    """One context, which it owns."""

    def __init__(self, context: Any, n_vocab: int, can_fill: bool) -> None:
        self._context = context
        self._memory = C.llama_get_memory(context)
        self._batch = C.llama_batch_init(N_CELLS, 0, 1)
        self._n_vocab = n_vocab
        self._can_fill = can_fill
        self._cells = -1
        self._start = 0

    def use_threads(self, setup: Setup) -> None:
        """How many are used from now on."""
        C.llama_set_n_threads(self._context, setup.n_threads, setup.n_threads_batch)

    def measure(self, cells: int, tokens: int) -> float | None:
        """Milliseconds that `tokens` take behind `cells` others; None if it was interrupted.

        Raises:
            EngineError: llama.cpp refuses the batch.
        """
        if not self._fill(cells):
            return None
        started = time.perf_counter()
        done = self._decode(self._start, tokens)
        ms = (time.perf_counter() - started) * 1000
        if not self._can_fill or not C.llama_memory_seq_rm(self._memory, 0, self._start, -1):
            self._cells = -1
        return ms if done else None

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
            if not self._decode(0, _SEED):
                return False
            self._copy_seed(cells // _SEED - 1)
            self._start = _SEED
        self._cells = cells
        return True

    def _copy_seed(self, times: int) -> None:
        """The copies stand at the seed's own positions, which attention does not mind."""
        size = C.llama_state_seq_get_size(self._context, 0)
        state = (ctypes.c_uint8 * size)()
        C.llama_state_seq_get_data(self._context, state, size, 0)
        for _ in range(times):
            if not C.llama_state_seq_set_data(self._context, state, size, 1):
                raise EngineError("the cache of a trial has no room")
            C.llama_memory_seq_cp(self._memory, 1, 0, 0, -1)
            C.llama_memory_seq_rm(self._memory, 1, -1, -1)

    def _decode(self, start: int, tokens: int) -> bool:
        batch = self._batch
        batch.n_tokens = tokens
        for i in range(tokens):
            # Tokens from all over the vocabulary, so that experts are chosen as they usually are.
            batch.token[i] = (start + i) * 7919 % self._n_vocab
            batch.pos[i] = start + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = tokens <= _SPECULATED or i == tokens - 1
        code = C.llama_decode(self._context, batch)
        C.llama_synchronize(self._context)
        if code == 2:
            # Some of it may be in the cache.
            self._cells = -1
        elif code != 0:
            raise EngineError(f"llama.cpp could not decode (code {code})")
        return bool(code == 0)
