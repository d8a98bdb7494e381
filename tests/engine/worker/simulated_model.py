"""A model whose next token depends on every token before it, as its cache holds them.

If the pool or the scheduler ever mixed up, lost or kept a wrong cell, the output would differ from
that of a fresh evaluation. A cell knows the position at which it is used, so that tests can see
which cells were repositioned.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from copilotd.engine.performance import Setup
from copilotd.engine.worker.calibration.plan import CalibrationPlan
from copilotd.engine.worker.calibration.runner import Bench
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.state_file import SequenceState
from copilotd.engine.worker.llama.batch import BatchEntry, DecodeResult
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.token_bytes import TokenBytes
from copilotd.engine.worker.vision.encode_queue import Encoder
from copilotd.engine.worker.vision.image_tokens import ImageTokens

END = 256
CLOSE = 0.5
"""A batch swaps two tokens whose logits differ by no more than this."""

Predict = Callable[[list[int]], Logits]


class ByteVocabulary:
    """A token for each byte, and one that ends the output."""

    handle = None
    size = 257
    end_tokens = frozenset({END})
    bos: int | None = None
    eos: int | None = None
    add_bos = False

    token_bytes = TokenBytes([bytes([token]) for token in range(END)])

    def token_to_piece(self, token: int) -> bytes:
        return bytes([token]) if token < END else b""

    def tokenize(self, text: str, special: bool) -> list[int]:
        return list(text.encode())

    def detokenize(self, tokens: list[int]) -> str:
        return b"".join(self.render_pieces(tokens)).decode()

    def render_pieces(self, tokens: list[int]) -> list[bytes]:
        return [self.token_to_piece(token) for token in tokens]


class NoEmbedder:
    """The embedder of a model that makes no embeddings."""

    def embed(self, tokens: list[int]) -> list[float] | None:
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Cell:
    """`chain` is a checksum of the token and of the text before it when it was evaluated."""

    position: int
    token: int
    chain: int


CELL_BYTES = 12
"""Size of a cell in a saved state."""


class SimulatedModel:
    """Satisfies `LoadedModel` without llama.cpp.

    Each batch calls `before_decode`, which may set the interrupt's flag. A batch is interrupted at
    its token `interrupt_at`. A batch that predicts more than one token swaps those that are
    `CLOSE`.
    """

    can_trim = True
    can_shift = True
    can_generate = True
    image_encoder: Encoder | None = None
    embedder = NoEmbedder()
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
        self.before_decode: Callable[[Sequence[BatchEntry]], None] = lambda entries: None
        self.interrupt_at: int | None = None
        self.n_evaluated = 0
        self._interrupt = interrupt
        self._ubatch = ubatch
        self._predict = predict
        self._cells: dict[int, list[Cell]] = {}
        self.can_insert = True
        self.n_repositioned = 0
        self.n_images = 0
        self._logits: list[Logits] = []

    def decode(self, entries: Sequence[BatchEntry], *, frugal: bool = False) -> DecodeResult:
        self.before_decode(entries)
        if self.n_used_cells + len(entries) > self.n_ctx:
            return DecodeResult.FULL
        self._logits = []
        for i, entry in enumerate(entries):
            is_flagged = i % self._ubatch == 0 and self._interrupt.flag[0] != b"\0"
            if is_flagged or i == self.interrupt_at:
                return DecodeResult.INTERRUPTED
            self._evaluate(entry)
        if sum(entry.wants_logits for entry in entries) > 1:
            self._logits = [_swap_close_tokens(logits) for logits in self._logits]
        return DecodeResult.DONE

    def decode_image(self, image: ImageTokens, sequence: int, position: int) -> DecodeResult:
        """Evaluates an image as the ids that stand for it."""
        ids = enumerate(image.ids, start=position)
        result = self.decode([BatchEntry(id, place, sequence, False) for place, id in ids])
        if result is not DecodeResult.DONE:
            self.trim(sequence, position)
        self.n_images += result is DecodeResult.DONE
        return result

    def plan_calibration(self, requested: Setup) -> CalibrationPlan:
        raise NotImplementedError

    def open_bench(self) -> Bench:
        raise NotImplementedError

    def logits(self, index: int) -> Logits:
        return self._logits[index]

    def trim(self, sequence: int, start: int) -> None:
        del self._cells.setdefault(sequence, [])[start:]

    def copy(self, source: int, target: int, end: int) -> None:
        assert not self._cells.get(target), "a copy goes to an empty sequence"
        self._cells[target] = self._cells[source][:end]

    def save(self, sequence: int) -> SequenceState:
        return self.export_range(sequence, 0, self.cached_length(sequence))

    def load(self, sequence: int, state: SequenceState) -> bool:
        assert not self._cells.get(sequence), "a state goes to an empty sequence"
        if self.n_used_cells + len(state) // CELL_BYTES > self.n_ctx:
            return False
        self._cells[sequence] = _unpack(state)
        return True

    def export_range(self, sequence: int, start: int, end: int) -> SequenceState:
        return _pack(self._cells[sequence][start:end])

    def slice_state(self, state: SequenceState, start: int, end: int) -> SequenceState | None:
        return _pack(_unpack(state)[start:end])

    def insert(self, sequence: int, state: SequenceState, shift: int) -> bool:
        if not self.can_insert or self.n_used_cells + len(state) // CELL_BYTES + 1 > self.n_ctx:
            return False
        cells = self._cells.setdefault(sequence, [])
        for cell in _unpack(state):
            cell.position += shift
            assert cell.position == len(cells), "positions of a sequence have no gap"
            cells.append(cell)
        self.n_repositioned += len(state) // CELL_BYTES
        return True

    def cached_length(self, sequence: int) -> int:
        return len(self._cells.get(sequence, []))

    def _evaluate(self, entry: BatchEntry) -> None:
        cells = self._cells.setdefault(entry.sequence, [])
        assert entry.position == len(cells), "positions of a sequence have no gap"
        chain = _extend_chain(cells[-1].chain if cells else 0, entry.token)
        cells.append(Cell(entry.position, entry.token, chain))
        self._logits.append(self._predict_after(cells))
        self.n_evaluated += 1

    def _predict_after(self, cells: list[Cell]) -> Logits:
        """Predict in upper case unless all of `cells` equal those of a fresh evaluation."""
        tokens = [cell.token for cell in cells]
        logits = self._predict(tokens)
        is_fresh = cells[-1].chain == reduce(_extend_chain, tokens, 0)
        return logits if is_fresh else _to_upper_case(logits)

    @property
    def n_used_cells(self) -> int:
        """Cells that hold something."""
        return len({id(cell) for cells in self._cells.values() for cell in cells})


def predict(tokens: list[int]) -> Logits:
    """A letter chosen by a checksum of all tokens before, whose case does not matter."""
    return one_hot(_choose_letter(tokens))


def predict_repetition(tokens: list[int]) -> Logits:
    """Mostly the token that stood seven tokens before; each choice depends on every token.

    Some choices are close, and some end the output.
    """
    chance = zlib.crc32(bytes(t % 256 for t in tokens)) % 60
    if chance == 0:
        return one_hot(END)
    logits = one_hot(_choose_letter(tokens) if chance < 4 or len(tokens) < 7 else tokens[-7])
    if chance > 55:
        logits[ord("#")] = logits.max() - CLOSE
    return logits


def predict_output(prompt: list[int], length: int, predict: Predict = predict) -> str:
    """What a fresh evaluation of `prompt` generates."""
    tokens = list(prompt)
    for _ in range(length):
        token = int(predict(tokens).argmax())
        if token == END:
            break
        tokens.append(token)
    return bytes(tokens[len(prompt) :]).decode()


def _choose_letter(tokens: list[int]) -> int:
    return ord("a") + zlib.crc32(bytes(t % 256 for t in tokens).lower()) % 26


def one_hot(token: int) -> Logits:
    logits = np.zeros(257, dtype=np.float32)
    logits[token] = 10.0
    return logits


def _to_upper_case(logits: Logits) -> Logits:
    upper, lower = slice(ord("A"), ord("Z") + 1), slice(ord("a"), ord("z") + 1)
    changed = logits.copy()
    changed[upper], changed[lower] = np.maximum(logits[upper], logits[lower]), 0.0
    return changed


def _swap_close_tokens(logits: Logits) -> Logits:
    second, first = (int(token) for token in np.argsort(logits)[-2:])
    changed = logits.copy()
    if logits[first] - logits[second] <= CLOSE:
        changed[[first, second]] = logits[[second, first]]
    return changed


def _extend_chain(chain: int, token: int) -> int:
    return zlib.crc32(token.to_bytes(2, "big"), chain)


def _pack(cells: list[Cell]) -> SequenceState:
    rows = [(cell.position, cell.token, cell.chain) for cell in cells]
    return np.array(rows, np.uint32).reshape(-1).view(np.uint8)


def _unpack(state: SequenceState) -> list[Cell]:
    rows = state.view(np.uint32).reshape(-1, 3).tolist()
    return [Cell(position, token, chain) for position, token, chain in rows]
