"""The child process that holds the model: `python -m copilotd.engine.worker.main`.

Commands come in on stdin. Events leave on what was stdout; the new stdout is stderr, because
libraries print to stdout. One thread reads commands, answers those that need only the vocabulary,
and sets the interrupt. The main thread owns the context. When stdin ends, the daemon is gone or
needs the worker no longer: the batch is interrupted, as much of the KV cache is saved as the time
allows, and the process ends even if the main thread is stuck, so that no orphan keeps the memory.
"""

import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from copilotd.engine.protocol import (
    SAVE_TIMEOUT_S,
    CachedPrefixLength,
    Calibrate,
    Cancel,
    Command,
    Detokenize,
    Embed,
    Generate,
    Load,
    Ping,
    TokenBytes,
    Tokenize,
    WorkerSpec,
)
from copilotd.engine.types import Lane
from copilotd.engine.worker.backend import Backend
from copilotd.engine.worker.calibration.runner import CalibratedModel, CalibrationRunner
from copilotd.engine.worker.embedding_job import Embedder, EmbeddingJob
from copilotd.engine.worker.faults import to_engine_error
from copilotd.engine.worker.generation import Generation
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.disk_tier import DiskTier
from copilotd.engine.worker.kv.fingerprint import fingerprint
from copilotd.engine.worker.kv.memory_tier import MemoryTier
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.loading import load_draft_model, load_model
from copilotd.engine.worker.pipe import EventWriter, make_failure, read_command, take_over_stdout
from copilotd.engine.worker.speculation.draft_model import DraftModel
from copilotd.engine.worker.speculation.speculation import Speculation
from copilotd.engine.worker.vision.encode_queue import EncodedRequest, Encoder, ImageEncodeQueue
from copilotd.engine.worker.work_clock import CALIBRATION_LIMIT_S, WorkClock
from copilotd.errors import EngineError

_SAVE_AFTER_IDLE_S = 5.0
"""After this time without a command, the worker saves what would be lost with the process."""
_EXIT_TIMEOUT_S = 1.5
"""The process ends after this time, whatever the main thread is doing."""


def main() -> None:
    """Load the model that the first command names, then serve until stdin ends."""
    # Ctrl-C and a system shutdown signal the whole process group, but the daemon decides when the
    # worker ends.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    events = EventWriter(take_over_stdout())
    commands = sys.stdin.buffer
    load = read_command(commands)
    if not isinstance(load, Load):
        return
    interrupt = Interrupt()
    try:
        model = load_model(load.spec, interrupt)
        draft_model = load_draft_model(load.spec, model, interrupt)
    except EngineError as error:
        events.send(make_failure(load.id, error))
        return
    draft = draft_model.name if draft_model else ""
    events.send_result(load.id, msgspec.structs.replace(model.info, draft=draft))
    worker = Worker(model, interrupt, load.spec, events, draft_model)
    threading.Thread(target=receive_commands, args=(commands, worker), daemon=True).start()
    # Otherwise the first completion would wait half a second for this.
    model.vocabulary.prepare()
    worker.run()
    # The cleanup of the libraries takes time and is no use in a process that ends.
    os._exit(0)


class LoadedModel(Backend, CalibratedModel, Protocol):
    """What the worker needs from its model; `llama/model.py` provides it."""

    @property
    def embedder(self) -> Embedder:
        """Makes embeddings of texts."""
        ...

    @property
    def image_encoder(self) -> Encoder | None:
        """Makes embeddings of images; None without a projector."""
        ...

    @property
    def state_format(self) -> str:
        """Everything that the bytes of a saved sequence depend on, besides the model file."""
        ...


class Worker:
    """Receives commands in the reading thread, and does the work in the main thread."""

    def __init__(
        self,
        model: LoadedModel,
        interrupt: Interrupt,
        spec: WorkerSpec,
        events: EventWriter,
        draft_model: DraftModel | None = None,
    ) -> None:
        self._model = model
        self._interrupt = interrupt
        self._events = events
        self._clock = WorkClock()
        self._inbox: queue.SimpleQueue[Command | EncodedRequest | None] = queue.SimpleQueue()
        self._pool = _create_pool(model, spec, events)
        # Wrong guesses have to leave the cache again.
        enabled = model.can_trim and (spec.speculate or draft_model is not None)
        speculation = Speculation(enabled=enabled, draft_model=draft_model)
        self._generation = Generation(
            model, interrupt, self._pool, events.send, speculation, self._clock
        )
        self._encode_queue = ImageEncodeQueue(model.image_encoder, self._receive_encoded)
        self._embeddings: deque[EmbeddingJob] = deque()
        self._calibrator = CalibrationRunner(model, interrupt, events.send)
        self._has_unsaved = False
        self._ending = threading.Event()

    def run(self) -> None:
        """Take commands, do one step, repeat; after `end`, save the KV cache."""
        while not self._ending.is_set():
            self._take_commands()
            if self._is_idle:
                self._clock.begin(CALIBRATION_LIMIT_S)
                self._calibrator.step()
                continue
            if self._generation.active_lane is not None:
                self._generation.step()
            else:
                self._embed_one()
            self._calibrator.note_other_work()
        self._save()

    # --- the reading thread ------------------------------------------------------------------

    def end(self) -> None:
        """Make `run` end soon."""
        self._ending.set()
        self._interrupt.stop()
        self._inbox.put(None)

    def receive(self, command: Command) -> None:
        """Answer a command that needs only the vocabulary; queue every other one."""
        match command:
            case Tokenize() | Detokenize() | TokenBytes():
                self._answer_from_vocabulary(command)
            case Ping(id):
                self._events.send_result(id, self._clock.read())
            case Cancel(id):
                self._interrupt.cancel(id)
                self._inbox.put(command)
            case Generate(_, request):
                self._inbox.put(command)
                self._interrupt.notify_arrival(request.lane)
            case CachedPrefixLength():
                # A completion waits for the answer.
                self._inbox.put(command)
                self._interrupt.notify_arrival(Lane.COMPLETION)
            case Embed():
                self._inbox.put(command)
                self._interrupt.notify_arrival(Lane.BACKGROUND)
            case _:
                self._inbox.put(command)

    def _answer_from_vocabulary(self, command: Tokenize | Detokenize | TokenBytes) -> None:
        vocabulary = self._model.vocabulary
        value: object
        try:
            match command:
                case Tokenize(_, text, special):
                    value = vocabulary.tokenize(text, special)
                case Detokenize(_, tokens):
                    value = vocabulary.detokenize(tokens)
                case TokenBytes(_, tokens):
                    value = vocabulary.render_pieces(tokens)
        except Exception as error:
            self._events.send(make_failure(command.id, to_engine_error(error)))
        else:
            self._events.send_result(command.id, value)

    # --- the encoding thread -----------------------------------------------------------------

    def _receive_encoded(self, request: EncodedRequest) -> None:
        """Queue a request whose images are encoded."""
        self._inbox.put(request)
        self._interrupt.notify_arrival(request.command.request.lane)

    # --- the main thread ---------------------------------------------------------------------

    @property
    def _is_idle(self) -> bool:
        return self._generation.active_lane is None and not self._embeddings

    def _take_commands(self) -> None:
        self._interrupt.clear_arrivals()
        if self._is_idle:
            self._take(self._wait_for_command())
        self._clock.begin()
        while not self._inbox.empty():
            self._take(self._inbox.get())

    def _wait_for_command(self) -> Command | EncodedRequest | None:
        """The next command; None when it is time for idle work. Saves the KV cache when idle."""
        wait_s = _SAVE_AFTER_IDLE_S if self._has_unsaved else self._calibrator.idle_wait_s
        self._clock.rest()
        try:
            return self._inbox.get(timeout=wait_s)
        except queue.Empty:
            self._clock.begin()
            if self._has_unsaved:
                self._has_unsaved = not self._pool.persist(self._inbox.empty)
            return None
        finally:
            self._clock.begin()

    def _take(self, command: Command | EncodedRequest | None) -> None:
        if command is None:
            return
        if isinstance(command, EncodedRequest):
            return self._start_encoded(command)
        try:
            match command:
                case Generate(_, request) if request.images:
                    self._encode_queue.add(command)
                case Generate():
                    self._generation.add(command)
                    self._has_unsaved = True
                case CachedPrefixLength(id, prompt):
                    self._events.send_result(id, self._pool.cached_prefix_length(prompt))
                case Embed(id, inputs):
                    self._embeddings.append(EmbeddingJob(id, inputs))
                case Calibrate():
                    self._calibrator.add(command)
                case Cancel(id):
                    self._cancel(id)
        except Exception as error:
            self._events.send(make_failure(command.id, to_engine_error(error)))

    def _start_encoded(self, encoded: EncodedRequest) -> None:
        """Start a request whose images are encoded, unless it was cancelled meanwhile."""
        if not self._encode_queue.claim(encoded):
            return
        try:
            if encoded.error is not None:
                raise encoded.error
            self._generation.add(encoded.command, encoded.images)
            self._has_unsaved = True
        except Exception as error:
            self._events.send(make_failure(encoded.command.id, to_engine_error(error)))

    def _cancel(self, id: int) -> None:
        self._encode_queue.cancel(id)
        self._generation.cancel(id)
        self._calibrator.cancel(id)
        self._embeddings = deque(job for job in self._embeddings if job.id != id)
        self._interrupt.forget(id)

    def _embed_one(self) -> None:
        """Embed one input, so that a completion never waits for more than one."""
        if not self._embeddings:
            return
        job = self._embeddings[0]
        self._interrupt.begin_batch({job.id}, Lane.BACKGROUND)
        try:
            with self._clock.evaluate(job.n_next):
                job.step(self._model.embedder)
        except Exception as error:
            self._embeddings.popleft()
            self._events.send(make_failure(job.id, to_engine_error(error)))
            return
        finally:
            self._interrupt.end_batch()
        if job.is_done:
            self._embeddings.popleft()
            self._events.send_result(job.id, job.vectors)

    def _save(self) -> None:
        """Write as much of the KV cache to disk as the time allows, the latest work first."""
        deadline = time.monotonic() + SAVE_TIMEOUT_S

        def is_in_time() -> bool:
            return time.monotonic() < deadline

        if self._pool.persist_latest(is_in_time):
            self._pool.persist(is_in_time)


def receive_commands(stream: BinaryIO, worker: Worker) -> None:
    """Give the worker its commands until the daemon closes the pipe, then end the process.

    The worker gets `_EXIT_TIMEOUT_S` seconds to end by itself.
    """
    while (command := read_command(stream)) is not None:
        worker.receive(command)
    worker.end()
    time.sleep(_EXIT_TIMEOUT_S)
    os._exit(0)


def _create_pool(model: LoadedModel, spec: WorkerSpec, events: EventWriter) -> SlotPool:
    key = fingerprint(Path(spec.path), model.state_format)
    disk_bytes = spec.disk_tier_bytes if spec.disk_tier_path else 0
    disk = DiskTier(Path(spec.disk_tier_path), disk_bytes, key, events.send_notice)
    memory = MemoryTier(spec.memory_tier_bytes, disk)
    return SlotPool(model, memory, spec.n_seq, model.n_ctx, spec.resident_cells)


if __name__ == "__main__":
    main()
