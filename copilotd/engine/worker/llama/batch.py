"""A batch of tokens for llama.cpp, and how its evaluation ended."""

from dataclasses import dataclass
from enum import Enum, auto

N_BATCH = 512
"""The most tokens in one call of llama.cpp."""
N_UBATCH = 128
"""Tokens evaluated at once; an interrupt loses at most these. More is not faster on a CPU."""


class DecodeResult(Enum):
    """How a call of llama.cpp ended."""

    DONE = auto()
    FULL = auto()
    """No free cells in the KV cache; nothing was evaluated."""
    INTERRUPTED = auto()
    """Stopped by the interrupt; the ubatches completed before it stay in the KV cache."""


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One token of a batch; `wants_logits` says that the next token is predicted from it."""

    token: int
    position: int
    sequence: int
    wants_logits: bool
