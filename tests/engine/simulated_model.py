"""A model whose next token depends on every token before it, as its cache holds them.

If the pool or the scheduler ever mixed up, lost or kept a wrong cell, the output would differ from
that of a fresh evaluation. A cell knows at which position it is used, so that moved ones are seen.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from copilotd.engine.healing import Pieces
from copilotd.engine.interrupt import Interrupt
from copilotd.engine.model import Decoded, Entry
from copilotd.engine.sampling import Logits
from copilotd.engine.statefile import State

END = 256


class ByteVocabulary:
    size = 257
    end_tokens = frozenset({END})

    pieces = Pieces([bytes([token]) for token in range(END)])

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < END else b""

    def tokenize(self, text: str, special: bool) -> list[int]:
        return list(text.encode())


@dataclass(slots=True, eq=False)
class Cell:
    """`chain` is a checksum of the text behind which the token was evaluated, and of the token."""

    position: int
    token: int
    chain: int


CELL_BYTES = 12
"""Of a cell in a saved state."""


class SimulatedModel:
    """`before_decode` may set the interrupt's flag, or do whatever a test wants in mid-batch."""

    can_trim = True
    can_shift = True
    state_format = "simulated"

    def __init__(self, n_ctx: int, interrupt: Interrupt, ubatch: int = 4) -> None:
        self.vocabulary = ByteVocabulary()
        self.n_ctx = n_ctx
        self.before_decode: Callable[[Sequence[Entry]], None] = lambda entries: None
        self.evaluated = 0
        self._interrupt = interrupt
        self._ubatch = ubatch
        self._cells: dict[int, list[Cell]] = {}
        self.can_insert = True
        self.moved = 0
        self._logits: list[Logits] = []

    def decode(self, entries: Sequence[Entry], *, frugal: bool = False) -> Decoded:
        self.before_decode(entries)
        if self.used + len(entries) > self.n_ctx:
            return Decoded.FULL
        self._logits = []
        for i, entry in enumerate(entries):
            if i % self._ubatch == 0 and self._interrupt.flag[0] != b"\0":
                return Decoded.INTERRUPTED
            self._evaluate(entry)
        return Decoded.DONE

    def logits(self, index: int) -> Logits:
        return self._logits[index]

    def trim(self, sequence: int, start: int) -> None:
        del self._cells.setdefault(sequence, [])[start:]

    def copy(self, source: int, target: int, end: int) -> None:
        assert not self._cells.get(target), "a copy goes to an empty sequence"
        self._cells[target] = self._cells[source][:end]

    def save(self, sequence: int) -> State:
        return self.lift(sequence, 0, self.length(sequence))

    def load(self, sequence: int, state: State) -> bool:
        assert not self._cells.get(sequence), "a state goes to an empty sequence"
        if self.used + len(state) // CELL_BYTES > self.n_ctx:
            return False
        self._cells[sequence] = _unpacked(state)
        return True

    def lift(self, sequence: int, start: int, end: int) -> State:
        return _packed(self._cells[sequence][start:end])

    def cut(self, state: State, start: int, end: int) -> State | None:
        return _packed(_unpacked(state)[start:end])

    def insert(self, sequence: int, state: State, shift: int) -> bool:
        if not self.can_insert or self.used + len(state) // CELL_BYTES + 1 > self.n_ctx:
            return False
        cells = self._cells.setdefault(sequence, [])
        for cell in _unpacked(state):
            cell.position += shift
            assert cell.position == len(cells), "positions of a sequence have no gap"
            cells.append(cell)
        self.moved += len(state) // CELL_BYTES
        return True

    def length(self, sequence: int) -> int:
        return len(self._cells.get(sequence, []))

    def _evaluate(self, entry: Entry) -> None:
        cells = self._cells.setdefault(entry.sequence, [])
        assert entry.position == len(cells), "positions of a sequence have no gap"
        chain = _chained(cells[-1].chain if cells else 0, entry.token)
        cells.append(Cell(entry.position, entry.token, chain))
        self._logits.append(_predicted(cells))
        self.evaluated += 1

    @property
    def used(self) -> int:
        """Cells that hold something."""
        return len({id(cell) for cells in self._cells.values() for cell in cells})


def predict(tokens: list[int], first: str = "a") -> Logits:
    """One-hot logits, a letter from `first` on chosen by a checksum of everything before."""
    logits = np.zeros(257, dtype=np.float32)
    text = bytes(t % 256 for t in tokens).lower()
    logits[ord(first) + zlib.crc32(text) % 26] = 10.0
    return logits


def expected_text(prompt: list[int], length: int) -> str:
    """What a fresh evaluation of `prompt` goes on with."""
    tokens = list(prompt)
    for _ in range(length):
        tokens.append(int(predict(tokens).argmax()))
    return bytes(tokens[len(prompt) :]).decode()


def _predicted(cells: list[Cell]) -> Logits:
    """The same letter in upper case if not all of `cells` are what a fresh evaluation makes."""
    tokens = [cell.token for cell in cells]
    fresh = reduce(_chained, tokens, 0)
    return predict(tokens, "a" if cells[-1].chain == fresh else "A")


def _chained(chain: int, token: int) -> int:
    return zlib.crc32(token.to_bytes(2, "big"), chain)


def _packed(cells: list[Cell]) -> State:
    rows = [(cell.position, cell.token, cell.chain) for cell in cells]
    return np.array(rows, np.uint32).reshape(-1).view(np.uint8)


def _unpacked(state: State) -> list[Cell]:
    rows = state.view(np.uint32).reshape(-1, 3).tolist()
    return [Cell(position, token, chain) for position, token, chain in rows]
