"""Chooses the next token with llama.cpp's own samplers, from the logits of one sequence.

Reported log probabilities are the model's own, before any sampler.
"""

import ctypes
import secrets
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as C
from msgspec.structs import replace
from numpy.typing import NDArray

from copilotd.engine.types import Sampling, TokenAlternative

_MAX_REPEAT_LAST_N = 1 << 20

Logits = NDArray[np.float32]
"""Shape (n_vocab,)."""


class Sampler:
    """Chooses the tokens of one request, and remembers them for the penalties.

    `is_greedy` says that it always chooses the most probable token.
    """

    def __init__(self, sampling: Sampling, n_vocab: int) -> None:
        # llama.cpp reserves memory for as many tokens, and no context has more.
        sampling = replace(sampling, repeat_last_n=min(sampling.repeat_last_n, _MAX_REPEAT_LAST_N))
        self.is_greedy = _is_plain_greedy(sampling)
        if not self.is_greedy:
            self._chain = _make_chain(sampling, n_vocab)
            weakref.finalize(self, C.llama_sampler_free, self._chain)
            self._entries: Any = np.zeros(
                n_vocab, dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)]
            )

    def choose(self, logits: Logits) -> int:
        """Return the id of the next token."""
        if self.is_greedy:
            return int(logits.argmax())
        token = self._apply(logits)
        C.llama_sampler_accept(self._chain, token)
        return token

    def _apply(self, logits: Logits) -> int:
        entries = self._entries
        entries["id"] = np.arange(len(entries), dtype=np.int32)
        entries["logit"] = logits
        data = entries.ctypes.data_as(C.llama_token_data_p)
        array = C.llama_token_data_array(data, len(entries), -1, False)
        C.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)


def compute_logprobs(logits: Logits) -> Logits:
    """Compute the natural log of the softmax; shape (n_vocab,)."""
    shifted = logits.astype(np.float32) - logits.max()
    result: Logits = shifted - np.log(np.exp(shifted).sum())
    return result


def pick_alternatives(
    logprobs: Logits, count: int, token_to_piece: Callable[[int], bytes]
) -> list[TokenAlternative]:
    """Return the `count` most probable tokens, best first."""
    count = min(count, len(logprobs))
    if count <= 0:
        return []
    best = np.argpartition(logprobs, -count)[-count:]
    best = best[np.argsort(logprobs[best])[::-1]]
    return [TokenAlternative(int(t), token_to_piece(int(t)), float(logprobs[t])) for t in best]


def _is_plain_greedy(s: Sampling) -> bool:
    penalties = (s.repeat_penalty - 1, s.presence_penalty, s.frequency_penalty)
    return s.temperature <= 0 and not s.logit_bias and not any(penalties)


def _make_chain(s: Sampling, n_vocab: int) -> Any:
    chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
    for sampler in _make_samplers(s, n_vocab):
        C.llama_sampler_chain_add(chain, sampler)
    return chain


def _make_samplers(s: Sampling, n_vocab: int) -> list[Any]:
    """Make the samplers in the order of llama.cpp's own default chain; the last one selects."""
    samplers: list[Any] = []
    # Clients also send ids from other models; an id beyond 32 bits would wrap to another token.
    if known := [(id, bias) for id, bias in s.logit_bias.items() if 0 <= id < n_vocab]:
        biases = (C.llama_logit_bias * len(known))(*known)
        samplers.append(C.llama_sampler_init_logit_bias(n_vocab, len(known), biases))
    samplers.append(
        C.llama_sampler_init_penalties(
            n_vocab, s.repeat_last_n, s.repeat_penalty, s.frequency_penalty, s.presence_penalty
        )
    )
    if s.temperature <= 0:
        return [*samplers, C.llama_sampler_init_greedy()]
    seed = secrets.randbits(32) if s.seed is None else s.seed & 0xFFFFFFFF
    return [
        *samplers,
        C.llama_sampler_init_top_k(s.top_k),
        C.llama_sampler_init_typical(s.typical_p, 1),
        C.llama_sampler_init_top_p(s.top_p, 1),
        C.llama_sampler_init_min_p(s.min_p, 1),
        C.llama_sampler_init_temp(s.temperature),
        C.llama_sampler_init_dist(seed),
    ]
