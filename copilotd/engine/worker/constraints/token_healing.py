"""Token healing: text whose last word is not finished constrains what is generated.

A prompt that ends inside a word ends in tokens that the model never saw there: "retu" is read as
" ret" and "u", while all its training text has " return". So the tokens of the last word are left
out of the prompt, and generation begins with a `Constraint`: whatever tokens are chosen, their
bytes begin with the text that was left out. After "Token healing" of Lundberg's guidance, extended
from one token to the whole last word.
"""

from collections.abc import Sequence

import numpy as np

from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.token_bytes import Pieces

_LONGEST_WORD = 16
"""Most tokens of one word that are taken back: a long string of letters is no word."""


class Constraint:
    """The bytes with which the output still has to begin."""

    def __init__(self, pieces: Pieces, text: bytes) -> None:
        self._pieces = pieces
        self.rest = text

    def apply(self, logits: Logits) -> Logits:
        """The logits with all tokens ruled out that would not keep to `rest`."""
        if not self.rest:
            return logits
        allowed = self._pieces.compatible(self.rest)
        masked = np.full_like(logits, -np.inf)
        masked[allowed] = logits[allowed]
        return masked

    def accept(self, piece: bytes) -> bytes:
        """Take note of a chosen token; what of it goes beyond the constraint."""
        beyond = piece[len(self.rest) :]
        self.rest = self.rest[len(piece) :]
        return beyond


UNCONSTRAINED = Constraint(Pieces([]), b"")


def split(pieces: Sequence[bytes]) -> int:
    """How many tokens of a text, given as bytes, are safe to keep: those before its last word."""
    keep = max(0, len(pieces) - 1)
    while keep and len(pieces) - keep < _LONGEST_WORD and _inside_word(pieces, keep):
        keep -= 1
    return keep


def _inside_word(pieces: Sequence[bytes], at: int) -> bool:
    return _is_word(pieces[at - 1][-1:]) and _is_word(pieces[at][:1])


def _is_word(byte: bytes) -> bool:
    # Bytes beyond ASCII belong to characters, and a character must not be cut either.
    return byte.isalnum() or byte == b"_" or byte >= b"\x80"
