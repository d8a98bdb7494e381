"""A model whose next token depends on every token before it, as its cache holds them.

If the pool or the scheduler ever mixed up, lost or kept a wrong cell, the output would differ from
that of a fresh evaluation. A cell knows at which position it is used, so that moved ones are seen.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.state_file import State
from copilotd.engine.worker.llama.model import Decoded, Entry
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.token_bytes import Pieces
from copilotd.engine.worker.vision.image_tokens import Picture

END = 256
CLOSE = 0.5
"""Logits between two tokens of which a batch may take one for the other."""

Predict = Callable[[list[int]], Logits]


class ByteVocabulary:
    size = 257
    end_tokens = frozenset({END})
    bos = eos = None
    add_bos = False

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
    """`before_decode` may set the interrupt's flag, or do whatever a test wants in mid-batch.

    A batch is interrupted at its token `interrupt_at`. Where the model predicts more than one token
    in a batch, it takes close ones for each other.
    """

    can_trim = True
    can_shift = True
    writes = True
    vision = None
    vectors = None
    state_format = "simulated"

    def __init__(
        self,
        n_ctx: int,
        interrupt: Interrupt,
        ubatch: int = 4,
        predict: Predict = lambda tokens: predict(tokens),
    ) -> None:
        self.vocabulary = ByteVocabulary()
        self.n_ctx = n_ctx
        self.before_decode: Callable[[Sequence[Entry]], None] = lambda entries: None
        self.interrupt_at: int | None = None
        self.evaluated = 0
        self._interrupt = interrupt
        self._ubatch = ubatch
        self._predict = predict
        self._cells: dict[int, list[Cell]] = {}
        self.can_insert = True
        self.moved = 0
        self.pictures = 0
        self._logits: list[Logits] = []

    def decode(self, entries: Sequence[Entry], *, frugal: bool = False) -> Decoded:
        self.before_decode(entries)
        if self.used + len(entries) > self.n_ctx:
            return Decoded.FULL
        self._logits = []
        for i, entry in enumerate(entries):
            flag = i % self._ubatch == 0 and self._interrupt.flag[0] != b"\0"
            if flag or i == self.interrupt_at:
                return Decoded.INTERRUPTED
            self._evaluate(entry)
        if sum(entry.wants_logits for entry in entries) > 1:
            self._logits = [_with_close_ones_changed(logits) for logits in self._logits]
        return Decoded.DONE

    def see(self, picture: Picture, sequence: int, position: int) -> Decoded:
        """A picture is evaluated as the ids that stand for it."""
        ids = enumerate(picture.ids, start=position)
        decoded = self.decode([Entry(id, place, sequence, False) for place, id in ids])
        if decoded is not Decoded.DONE:
            self.trim(sequence, position)
        self.pictures += decoded is Decoded.DONE
        return decoded

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
        self._logits.append(self._predicted(cells))
        self.evaluated += 1

    def _predicted(self, cells: list[Cell]) -> Logits:
        """In upper case if not all of `cells` are what a fresh evaluation makes."""
        tokens = [cell.token for cell in cells]
        logits = self._predict(tokens)
        fresh = cells[-1].chain == reduce(_chained, tokens, 0)
        return logits if fresh else _in_upper_case(logits)

    @property
    def used(self) -> int:
        """Cells that hold something."""
        return len({id(cell) for cells in self._cells.values() for cell in cells})


def predict(tokens: list[int]) -> Logits:
    """One-hot logits, a letter chosen by a checksum of everything before, in whatever case."""
    return certain(_letter(tokens))


def repeating(tokens: list[int]) -> Logits:
    """What stood seven tokens before, but not always; each choice depends on every token.

    Some are close, and some end the text.
    """
    chance = zlib.crc32(bytes(t % 256 for t in tokens)) % 60
    if chance == 0:
        return certain(END)
    logits = certain(_letter(tokens) if chance < 4 or len(tokens) < 7 else tokens[-7])
    if chance > 55:
        logits[ord("#")] = logits.max() - CLOSE
    return logits


def expected_text(prompt: list[int], length: int, predict: Predict = predict) -> str:
    """What a fresh evaluation of `prompt` goes on with."""
    tokens = list(prompt)
    for _ in range(length):
        token = int(predict(tokens).argmax())
        if token == END:
            break
        tokens.append(token)
    return bytes(tokens[len(prompt) :]).decode()


def _letter(tokens: list[int]) -> int:
    return ord("a") + zlib.crc32(bytes(t % 256 for t in tokens).lower()) % 26


def certain(token: int) -> Logits:
    logits = np.zeros(257, dtype=np.float32)
    logits[token] = 10.0
    return logits


def _in_upper_case(logits: Logits) -> Logits:
    upper, lower = slice(ord("A"), ord("Z") + 1), slice(ord("a"), ord("z") + 1)
    changed = logits.copy()
    changed[upper], changed[lower] = np.maximum(logits[upper], logits[lower]), 0.0
    return changed


def _with_close_ones_changed(logits: Logits) -> Logits:
    second, first = (int(token) for token in np.argsort(logits)[-2:])
    changed = logits.copy()
    if logits[first] - logits[second] <= CLOSE:
        changed[[first, second]] = logits[[second, first]]
    return changed


def _chained(chain: int, token: int) -> int:
    return zlib.crc32(token.to_bytes(2, "big"), chain)


def _packed(cells: list[Cell]) -> State:
    rows = [(cell.position, cell.token, cell.chain) for cell in cells]
    return np.array(rows, np.uint32).reshape(-1).view(np.uint8)


def _unpacked(state: State) -> list[Cell]:
    rows = state.view(np.uint32).reshape(-1, 3).tolist()
    return [Cell(position, token, chain) for position, token, chain in rows]
