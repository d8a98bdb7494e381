"""The loaded model: the one owner of llama.cpp's context, called by one thread.

Only this module, `complaints.py`, `metadata.py`, `setup.py`, `spare.py`, `tiles.py`, `trial.py`,
`vectors.py`, `vision.py`, `vocabulary.py` and `sampling.py` import llama_cpp.
"""

import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import llama_cpp
import numpy as np
from llama_cpp import llama_cpp as C

from copilotd.engine.performance import Setup
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import ModelInfo
from copilotd.engine.worker.calibration.plan import Course, course
from copilotd.engine.worker.calibration.trial import N_CELLS, TrialBench
from copilotd.engine.worker.interrupt import Interrupt, strlen_address
from copilotd.engine.worker.kv.state_file import State
from copilotd.engine.worker.llama.context_params import context_params, decided, threads
from copilotd.engine.worker.llama.embeddings import Vectors
from copilotd.engine.worker.llama.metadata import Metadata
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.scratch_sequence import Spare, load, save
from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.engine.worker.llama_log import Complaints
from copilotd.engine.worker.threads.decode_threads import Thrift
from copilotd.engine.worker.threads.thread_budget import crew
from copilotd.engine.worker.vision.image_tokens import Picture
from copilotd.errors import EngineError, EngineLoadFailed

if TYPE_CHECKING:
    from copilotd.engine.worker.vision.encoder import Vision

N_BATCH = 512
"""Most tokens in one call of llama.cpp."""
N_UBATCH = 128
"""Tokens evaluated at once; what an interrupt loses at most. Larger is not faster on a CPU."""
N_EMBEDDING_CTX = 2048
"""Longest input of an embedding, in tokens, where the model was trained on that many."""


class Decoded(Enum):
    """How a call of llama.cpp ended."""

    DONE = auto()
    FULL = auto()
    """No free cells in the KV cache; nothing was evaluated."""
    INTERRUPTED = auto()
    """Stopped by the interrupt; whole ubatches before it stay in the cache."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One token of a batch; `wants_logits` if something is to be predicted from it."""

    token: int
    position: int
    sequence: int
    wants_logits: bool


class Model:
    """Loads `spec` on construction.

    Raises:
        EngineLoadFailed: with llama.cpp's own last words.
    """

    def __init__(self, spec: WorkerSpec, interrupt: Interrupt) -> None:
        started = time.perf_counter()
        self._spec = spec
        self._log = Complaints()
        C.llama_backend_init()
        self._model = self._load(spec)
        self._metadata = Metadata(self._model)
        self.vocabulary = Vocabulary(C.llama_model_get_vocab(self._model))
        self._interrupt = interrupt
        self._abort = C.ggml_abort_callback(strlen_address())
        self._flag = ctypes.cast(interrupt.flag, ctypes.c_void_p)
        self._context = self._new_context(self._context_params(spec))
        self._setup = decided(spec.setup, N_UBATCH)
        self._crew = crew()
        self._thrift = Thrift(self._setup.n_threads, spec.frugal)
        self._memory = C.llama_get_memory(self._context)
        self._spare = Spare(self._context, spec.n_seq, self._metadata.rope())
        self._batch = C.llama_batch_init(N_BATCH, 0, 1)
        self.vision = self._eyes(spec.mmproj) if spec.mmproj else None
        self.n_ctx = int(C.llama_n_ctx(self._context))
        # A model that only reads has none.
        self.writes = bool(self._memory)
        self.can_trim = not (
            C.llama_model_is_recurrent(self._model) or C.llama_model_is_hybrid(self._model)
        )
        # Quantised keys would all be rounded again whenever some of them are moved.
        self.can_shift = bool(
            self.writes
            and self.can_trim
            and C.llama_model_n_swa(self._model) == 0
            and C.llama_memory_can_shift(self._memory)
            and spec.kv_type == "f16"
        )
        self.info = self._describe((time.perf_counter() - started) * 1000)
        self.vectors = self._vectors()

    # --- decoding (the worker's main thread) -------------------------------------------------

    def decode(self, entries: Sequence[Entry], *, frugal: bool = False) -> Decoded:
        """Evaluate at most `N_BATCH` tokens; a `frugal` one alone with no more threads than help.

        Raises:
            EngineError: llama.cpp refuses the batch.
        """
        self._fill(entries)
        return self._outcome(self._run(frugal and len(entries) == 1))

    def see(self, picture: Picture, sequence: int, position: int) -> Decoded:
        """Evaluate a picture as `decode` does tokens; what was begun of it is taken back.

        Raises:
            EngineError: llama.cpp refuses it, or there is no projector.
        """
        if self.vision is None:
            raise EngineError("the model sees no images")
        # Where what was begun of it cannot be taken back, nothing stops it.
        self._heed(C.ggml_abort_callback() if not self.can_trim else self._abort)
        code = self.vision.decode(self._context, picture, sequence, position, N_BATCH)
        self._heed(self._abort)
        if code != 0:
            self.trim(sequence, position)
        return self._outcome(code)

    def _heed(self, abort: Any) -> None:
        """Ask `abort` from now on whether a batch shall stop."""
        C.llama_set_abort_callback(self._context, abort, self._flag)

    def _outcome(self, code: int) -> Decoded:
        match code:
            case 0:
                return Decoded.DONE
            case 1:
                return Decoded.FULL
            case 2:
                return Decoded.INTERRUPTED
        raise EngineError(f"llama.cpp could not decode (code {code}){self._log.last_words()}")

    def _run(self, frugal: bool) -> int:
        """Evaluate the batch with as many threads as there are cores to spare; llama.cpp's code."""
        setup, many = self._setup, self._batch.n_tokens > 1
        wanted = self._thrift.threads if frugal else setup.n_threads
        threads = self._crew.out(setup.n_threads_batch if many else wanted)
        C.llama_set_n_threads(self._context, threads, threads)
        code = int(C.llama_decode(self._context, self._batch))
        seconds = self._crew.back()
        if frugal and code == 0 and seconds is not None:
            self._thrift.took(threads, seconds)
        return code

    def logits(self, index: int) -> Logits:
        """The logits behind entry `index` of the last batch, valid until the next one."""
        row = C.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(row, (self.vocabulary.size,))

    def trim(self, sequence: int, start: int) -> None:
        """Forget the cells of `sequence` from position `start` on."""
        if not C.llama_memory_seq_rm(self._memory, sequence, start, -1):
            raise EngineError(f"the model's cache cannot be cut at position {start}")

    def copy(self, source: int, target: int, end: int) -> None:
        """Share the cells of `source` before position `end` with `target`."""
        C.llama_memory_seq_cp(self._memory, source, target, 0, end)

    def save(self, sequence: int) -> State:
        """Copy the keys and values of `sequence` out of the context."""
        return save(self._context, sequence)

    def load(self, sequence: int, state: State) -> bool:
        """Copy them back into the empty `sequence`; False if there is no room for them."""
        return load(self._context, sequence, state)

    def lift(self, sequence: int, start: int, end: int) -> State:
        """Copy the keys and values of positions `start` to `end` of `sequence`."""
        return self._spare.lift(sequence, start, end)

    def cut(self, state: State, start: int, end: int) -> State | None:
        """Positions `start` to `end` of a saved `state`; None if there is no room to unpack it."""
        return self._spare.cut(state, start, end)

    def insert(self, sequence: int, state: State, shift: int) -> bool:
        """Put `state` behind what `sequence` holds, `shift` positions from where it stood.

        False if that cannot be done; then nothing has changed.
        """
        return self._spare.insert(sequence, state, shift)

    @property
    def state_format(self) -> str:
        """What the bytes of a saved state depend on, besides the model file."""
        params = self._context_params(self._spec)
        return " ".join(
            str(part)
            for part in (
                llama_cpp.__version__,
                self.info.system,
                self.info.architecture,
                C.llama_model_n_layer(self._model),
                params.type_k,
                params.type_v,
                params.flash_attn_type,
                self.info.gpu_offload,
            )
        )

    def length(self, sequence: int) -> int:
        """Positions of `sequence` that are in the cache."""
        return int(C.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def course(self, asked: Setup) -> Course:
        """What to measure of this model, where `asked` leaves it open."""
        return course(asked, decided(asked, N_UBATCH), threads())

    def bench(self) -> TrialBench:
        """Where ways of running this model are tried."""
        can_fill = self.can_trim and C.llama_model_n_swa(self._model) == 0
        return TrialBench(self._trial_context, self.vocabulary.size, can_fill)

    def _trial_context(self, setup: Setup) -> Any:
        params = context_params(setup, N_BATCH)
        params.n_ctx, params.n_seq_max, params.kv_unified = N_CELLS, 2, True
        return self._new_context(params)

    # --- loading -----------------------------------------------------------------------------

    def _load(self, spec: WorkerSpec) -> Any:
        params = C.llama_model_default_params()
        params.n_gpu_layers = spec.n_gpu_layers
        model = C.llama_model_load_from_file(spec.path.encode(), params)
        if not model:
            raise EngineLoadFailed(
                f"llama.cpp cannot load {spec.path}{self._log.last_words()}",
                "Check the file with `copilotd models info`, or pull it again.",
            )
        return model

    def _eyes(self, mmproj: str) -> "Vision":
        # A library of its own, which few need.
        from copilotd.engine.worker.vision.encoder import Vision

        return Vision(mmproj, self._model, self._setup.n_threads_batch, self._log)

    def _new_context(self, params: Any) -> Any:
        context = C.llama_init_from_model(self._model, params)
        if not context:
            raise EngineLoadFailed(
                f"no context of {params.n_ctx} tokens{self._log.last_words()}",
                "A smaller model.n_ctx needs less memory.",
            )
        C.llama_set_abort_callback(context, self._abort, self._flag)
        return context

    def _context_params(self, spec: WorkerSpec) -> Any:
        params = context_params(decided(spec.setup, N_UBATCH), N_BATCH)
        # Beyond what a model was trained on it writes noise.
        params.n_ctx = min(spec.n_ctx, int(C.llama_model_n_ctx_train(self._model)))
        params.n_seq_max, params.kv_unified = spec.n_seq + 1, True
        return params

    def _vectors(self) -> Vectors:
        most = min(N_EMBEDDING_CTX, self.info.n_ctx_train)
        # Without one, or with that of no pooling at all, the mean of all tokens.
        pooling = int(self._metadata.own("pooling_type") or "0")

        def context() -> Any:
            params = self._context_params(self._spec)
            params.n_ctx = params.n_batch = params.n_ubatch = most
            params.n_seq_max, params.embeddings = 1, True
            params.pooling_type = pooling or C.LLAMA_POOLING_TYPE_MEAN
            return self._new_context(params)

        return Vectors(self.vocabulary, context, most, self.info.n_embd, self._log)

    def _fill(self, entries: Sequence[Entry]) -> None:
        batch = self._batch
        batch.n_tokens = len(entries)
        for i, entry in enumerate(entries):
            batch.token[i] = entry.token
            batch.pos[i] = entry.position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = entry.sequence
            batch.logits[i] = entry.wants_logits

    def _describe(self, load_ms: float) -> ModelInfo:
        vocabulary = self.vocabulary
        return ModelInfo(
            path=self._spec.path,
            name=self._spec.name,
            architecture=self._metadata.architecture,
            description=self._metadata.description(),
            size=int(C.llama_model_size(self._model)),
            parameters=int(C.llama_model_n_params(self._model)),
            n_ctx=self.n_ctx,
            n_ctx_train=int(C.llama_model_n_ctx_train(self._model)),
            n_vocab=vocabulary.size,
            n_embd=int(C.llama_model_n_embd(self._model)),
            fim=vocabulary.fim(self._spec.fim_fallback),
            layout=self._spec.layout,
            bos=vocabulary.bos,
            eos=vocabulary.eos,
            add_bos=vocabulary.add_bos,
            end_tokens=sorted(vocabulary.end_tokens),
            controls=vocabulary.controls,
            chat_template=self._metadata.chat_template(),
            can_shift=self.can_shift,
            gpu_offload=bool(C.llama_supports_gpu_offload()),
            system=C.llama_print_system_info().decode(),
            load_ms=load_ms,
            sees=self.vision is not None,
            opens=vocabulary.opens,
            closes=vocabulary.closes,
        )
