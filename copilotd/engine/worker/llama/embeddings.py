"""Pooled embeddings of texts, computed in a separate context that keeps nothing afterwards."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as C

from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.engine.worker.llama_log import ErrorLog
from copilotd.errors import ContextOverflow, EngineError, InvalidRequest


class Embedder:
    """Turns at most `n_ctx` tokens into `n_embd` floats; the first input calls `new_context`."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        new_context: Callable[[], Any],
        n_ctx: int,
        n_embd: int,
        log: ErrorLog,
    ) -> None:
        self._vocabulary = vocabulary
        self._new_context = new_context
        self._context: Any = None
        self._n_ctx = n_ctx
        self._n_embd = n_embd
        self._log = log

    def embed(self, tokens: list[int]) -> list[float] | None:
        """Compute the unit vector of one input, pooled as the GGUF says (mean if it does not).

        Returns None if it was interrupted.

        Raises:
            ContextOverflow: there are too many tokens.
            InvalidRequest: there is no token, or an id is outside the vocabulary.
            EngineError: llama.cpp refuses the input.
        """
        if not tokens:
            raise InvalidRequest("an input has no text to embed")
        self._vocabulary.check(tokens)
        if len(tokens) > self._n_ctx:
            raise ContextOverflow(
                f"an input of {len(tokens)} tokens is too large; the limit is {self._n_ctx}",
                "Cut the input into parts.",
            )
        if self._context is None:
            self._context = self._new_context()
        if memory := C.llama_get_memory(self._context):
            C.llama_memory_clear(memory, True)
        ids = (C.llama_token * len(tokens))(*tokens)
        code = C.llama_decode(self._context, C.llama_batch_get_one(ids, len(tokens)))
        if code == 2:
            return None
        if code != 0:
            raise EngineError(f"llama.cpp could not embed (code {code}){self._log.recent_errors()}")
        row = C.llama_get_embeddings_seq(self._context, 0)
        vector = np.ctypeslib.as_array(row, (self._n_embd,)).astype(np.float64)
        return list((vector / (np.linalg.norm(vector) or 1.0)).tolist())
