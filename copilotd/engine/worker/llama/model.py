"""The loaded model: the one owner of llama.cpp's context, called by one thread.

Only the modules in `llama/`, `vision/` and `calibration/` and `llama_log.py` import llama_cpp; an
import contract holds that.
"""

import ctypes
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import llama_cpp
import numpy as np
from llama_cpp import llama_cpp as C

from copilotd.engine.performance import Setup
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import ModelInfo
from copilotd.engine.worker.calibration.plan import CalibrationPlan, make_plan
from copilotd.engine.worker.calibration.trial import N_CELLS, TrialBench
from copilotd.engine.worker.interrupt import Interrupt, find_strlen_address
from copilotd.engine.worker.kv.state_file import SequenceState
from copilotd.engine.worker.llama.batch import N_BATCH, N_UBATCH, BatchEntry, DecodeResult
from copilotd.engine.worker.llama.context_params import count_threads, make_context_params, resolve
from copilotd.engine.worker.llama.embeddings import Embedder
from copilotd.engine.worker.llama.metadata import Metadata
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.scratch_sequence import ScratchSequence, load_state, save_state
from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.engine.worker.llama_log import ErrorLog
from copilotd.engine.worker.threads.decode_threads import DecodeThreads
from copilotd.engine.worker.threads.thread_budget import make_thread_budget
from copilotd.engine.worker.vision.image_tokens import ImageTokens
from copilotd.errors import EngineError, EngineLoadFailed

if TYPE_CHECKING:
    from copilotd.engine.worker.vision.encoder import ImageEncoder

N_EMBEDDING_CTX = 2048
"""Maximum number of tokens in one embedding input, if the model was trained on that many."""


class Model:
    """Loads the model of `spec` on construction.

    Raises:
        EngineLoadFailed: llama.cpp cannot load it; the message ends with llama.cpp's own errors.
    """

    def __init__(self, spec: WorkerSpec, interrupt: Interrupt) -> None:
        started = time.perf_counter()
        self._spec = spec
        self._log = ErrorLog()
        C.llama_backend_init()
        self._model = self._load(spec)
        self._metadata = Metadata(self._model)
        self.vocabulary = Vocabulary(C.llama_model_get_vocab(self._model))
        self._interrupt = interrupt
        self._abort = C.ggml_abort_callback(find_strlen_address())
        self._flag = ctypes.cast(interrupt.flag, ctypes.c_void_p)
        self._context = self._new_context(self._context_params(spec))
        self._setup = resolve(spec.setup, N_UBATCH)
        self._thread_budget = make_thread_budget()
        self._decode_threads = DecodeThreads(self._setup.n_threads, spec.frugal)
        self._memory = C.llama_get_memory(self._context)
        self._scratch = ScratchSequence(self._context, spec.n_seq, self._metadata.read_rope())
        self._batch = C.llama_batch_init(N_BATCH, 0, 1)
        self.image_encoder = self._make_image_encoder(spec.mmproj) if spec.mmproj else None
        self.n_ctx = int(C.llama_n_ctx(self._context))
        # An embedding model has no KV cache.
        self.can_generate = bool(self._memory)
        self.can_trim = not (
            C.llama_model_is_recurrent(self._model) or C.llama_model_is_hybrid(self._model)
        )
        # Rotating quantised keys would round each key again.
        self.can_shift = bool(
            self.can_generate
            and self.can_trim
            and C.llama_model_n_swa(self._model) == 0
            and C.llama_memory_can_shift(self._memory)
            and spec.kv_type == "f16"
        )
        self.info = self._describe((time.perf_counter() - started) * 1000)
        self.embedder = self._make_embedder()

    # --- decoding (the worker's main thread) -------------------------------------------------

    def decode(self, entries: Sequence[BatchEntry], *, frugal: bool = False) -> DecodeResult:
        """Evaluate at most `N_BATCH` tokens.

        A single `frugal` token gets only as many threads as make it noticeably faster.

        Raises:
            EngineError: llama.cpp refuses the batch.
        """
        self._fill_batch(entries)
        return self._to_result(self._run_batch(frugal and len(entries) == 1))

    def decode_image(self, image: ImageTokens, sequence: int, position: int) -> DecodeResult:
        """Evaluate all of an image at `position`; if that fails, none of it stays in the cache.

        Raises:
            EngineError: llama.cpp refuses it, or there is no projector.
        """
        if self.image_encoder is None:
            raise EngineError("the model does not support images")
        # A model that cannot trim could not remove half an image, so nothing may interrupt it.
        self._set_abort_callback(self._abort if self.can_trim else C.ggml_abort_callback())
        code = self.image_encoder.decode(self._context, image, sequence, position, N_BATCH)
        self._set_abort_callback(self._abort)
        if code != 0:
            self.trim(sequence, position)
        return self._to_result(code)

    def _set_abort_callback(self, abort: Any) -> None:
        """Let `abort` decide from now on whether a batch stops."""
        C.llama_set_abort_callback(self._context, abort, self._flag)

    def _to_result(self, code: int) -> DecodeResult:
        match code:
            case 0:
                return DecodeResult.DONE
            case 1:
                return DecodeResult.FULL
            case 2:
                return DecodeResult.INTERRUPTED
        raise EngineError(f"llama.cpp could not decode (code {code}){self._log.recent_errors()}")

    def _run_batch(self, frugal: bool) -> int:
        """Evaluate the batch with at most one thread per free core; return llama.cpp's code."""
        setup, is_prefill = self._setup, self._batch.n_tokens > 1
        n_threads = self._decode_threads.threads if frugal else setup.n_threads
        threads = self._thread_budget.acquire(setup.n_threads_batch if is_prefill else n_threads)
        C.llama_set_n_threads(self._context, threads, threads)
        code = int(C.llama_decode(self._context, self._batch))
        seconds = self._thread_budget.release()
        if frugal and code == 0 and seconds is not None:
            self._decode_threads.record(threads, seconds)
        return code

    def logits(self, index: int) -> Logits:
        """Return the logits of entry `index` of the last batch, valid until the next batch."""
        row = C.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(row, (self.vocabulary.size,))

    def trim(self, sequence: int, start: int) -> None:
        """Remove the cells of `sequence` from position `start` on. Raises: EngineError."""
        if not C.llama_memory_seq_rm(self._memory, sequence, start, -1):
            raise EngineError(f"the model's cache cannot be cut at position {start}")

    def copy(self, source: int, target: int, end: int) -> None:
        """Share the cells of `source` before position `end` with `target`."""
        C.llama_memory_seq_cp(self._memory, source, target, 0, end)

    def save(self, sequence: int) -> SequenceState:
        """Copy the keys and values of `sequence` out of the context."""
        return save_state(self._context, sequence)

    def load(self, sequence: int, state: SequenceState) -> bool:
        """Copy `state` into the empty `sequence`; False if there is no room for it."""
        return load_state(self._context, sequence, state)

    def export_range(self, sequence: int, start: int, end: int) -> SequenceState:
        """Copy the keys and values of positions `start` to `end` of `sequence`."""
        return self._scratch.export_range(sequence, start, end)

    def slice_state(self, state: SequenceState, start: int, end: int) -> SequenceState | None:
        """Cut positions `start` to `end` out of `state`; None if there is no room to unpack it."""
        return self._scratch.slice_state(state, start, end)

    def insert(self, sequence: int, state: SequenceState, shift: int) -> bool:
        """Append `state` to `sequence`, moved by `shift` positions.

        Returns False if that is not possible; then nothing has changed.
        """
        return self._scratch.insert(sequence, state, shift)

    @property
    def state_format(self) -> str:
        """Everything that the bytes of a saved state depend on, besides the model file."""
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

    def cached_length(self, sequence: int) -> int:
        """Count the positions of `sequence` that are in the cache."""
        return int(C.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def plan_calibration(self, requested: Setup) -> CalibrationPlan:
        """Plan a calibration of the settings that `requested` leaves open."""
        return make_plan(requested, resolve(requested, N_UBATCH), count_threads())

    def open_bench(self) -> TrialBench:
        """Open a bench that measures this model with different settings."""
        can_fill = self.can_trim and C.llama_model_n_swa(self._model) == 0
        return TrialBench(self._new_trial_context, self.vocabulary.size, can_fill)

    def _new_trial_context(self, setup: Setup) -> Any:
        params = make_context_params(setup, N_BATCH)
        params.n_ctx, params.n_seq_max, params.kv_unified = N_CELLS, 2, True
        return self._new_context(params)

    # --- loading -----------------------------------------------------------------------------

    def _load(self, spec: WorkerSpec) -> Any:
        params = C.llama_model_default_params()
        params.n_gpu_layers = spec.n_gpu_layers
        model = C.llama_model_load_from_file(spec.path.encode(), params)
        if not model:
            raise EngineLoadFailed(
                f"llama.cpp cannot load {spec.path}{self._log.recent_errors()}",
                "Check the file with `copilotd models info`, or pull it again.",
            )
        return model

    def _make_image_encoder(self, mmproj: str) -> "ImageEncoder":
        # Imported late: it loads another library, which few users need.
        from copilotd.engine.worker.vision.encoder import ImageEncoder

        return ImageEncoder(mmproj, self._model, self._setup.n_threads_batch, self._log)

    def _new_context(self, params: Any) -> Any:
        context = C.llama_init_from_model(self._model, params)
        if not context:
            raise EngineLoadFailed(
                f"llama.cpp cannot create a context of {params.n_ctx} tokens"
                f"{self._log.recent_errors()}",
                "A smaller model.n_ctx needs less memory.",
            )
        C.llama_set_abort_callback(context, self._abort, self._flag)
        return context

    def _context_params(self, spec: WorkerSpec) -> Any:
        params = make_context_params(resolve(spec.setup, N_UBATCH), N_BATCH)
        # A model writes noise beyond the context that it was trained on.
        params.n_ctx = min(spec.n_ctx, int(C.llama_model_n_ctx_train(self._model)))
        params.n_seq_max, params.kv_unified = spec.n_seq + 1, True
        return params

    def _make_embedder(self) -> Embedder:
        n_ctx = min(N_EMBEDDING_CTX, self.info.n_ctx_train)
        # Without a pooling type, or with "none" (0), the mean of all tokens is taken.
        pooling = int(self._metadata.read_for_architecture("pooling_type") or "0")

        def new_context() -> Any:
            params = self._context_params(self._spec)
            params.n_ctx = params.n_batch = params.n_ubatch = n_ctx
            params.n_seq_max, params.embeddings = 1, True
            params.pooling_type = pooling or C.LLAMA_POOLING_TYPE_MEAN
            return self._new_context(params)

        return Embedder(self.vocabulary, new_context, n_ctx, self.info.n_embd, self._log)

    def _fill_batch(self, entries: Sequence[BatchEntry]) -> None:
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
            description=self._metadata.describe(),
            size=int(C.llama_model_size(self._model)),
            parameters=int(C.llama_model_n_params(self._model)),
            n_ctx=self.n_ctx,
            n_ctx_train=int(C.llama_model_n_ctx_train(self._model)),
            n_vocab=vocabulary.size,
            n_embd=int(C.llama_model_n_embd(self._model)),
            fim=vocabulary.find_fim_tokens(self._spec.fim_fallback),
            layout=self._spec.layout,
            bos=vocabulary.bos,
            eos=vocabulary.eos,
            add_bos=vocabulary.add_bos,
            end_tokens=sorted(vocabulary.end_tokens),
            controls=vocabulary.control_texts,
            chat_template=self._metadata.read_chat_template(),
            can_shift=self.can_shift,
            gpu_offload=bool(C.llama_supports_gpu_offload()),
            system=C.llama_print_system_info().decode(),
            load_ms=load_ms,
            supports_images=self.image_encoder is not None,
            opens=vocabulary.opening_tokens,
            closes=vocabulary.closing_tokens,
        )
