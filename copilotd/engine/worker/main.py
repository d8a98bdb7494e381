"""The child process that holds the model: `python -m copilotd.engine.worker.main`.

Commands come in on stdin, events leave on what was stdout (the real one is pointed at stderr, for
whatever libraries print). One thread reads commands, answers what needs only the vocabulary, and
sets the interrupt; the main thread owns the context. When stdin ends the daemon is gone or wants
no more: the batch is interrupted, the KV cache is saved as far as that is quick, and the process
ends, whatever the main thread is stuck in: no orphan keeps the memory.
"""

import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

import msgspec

from copilotd.engine.protocol import (
    SAVES_WITHIN_S,
    Calibrate,
    Cancel,
    Command,
    Detokenize,
    Embed,
    Generate,
    Held,
    Load,
    Pieces,
    Result,
    Tokenize,
    WorkerSpec,
)
from copilotd.engine.types import Lane
from copilotd.engine.worker.calibration.runner import Calibrator
from copilotd.engine.worker.embedding_job import EmbeddingJob
from copilotd.engine.worker.generation import Generation
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.disk_tier import Archive
from copilotd.engine.worker.kv.fingerprint import fingerprint
from copilotd.engine.worker.kv.memory_tier import Park
from copilotd.engine.worker.kv.slot_pool import KVPool
from copilotd.engine.worker.llama.model import Model
from copilotd.engine.worker.loading import load_drafter, load_model
from copilotd.engine.worker.pipe import Events, claim_stdout, failed, read_command
from copilotd.engine.worker.speculation.draft_model import Drafter
from copilotd.engine.worker.speculation.speculation import Speculation
from copilotd.engine.worker.vision.encode_queue import Darkroom, Seen
from copilotd.errors import EngineError

_SETTLES_S = 5.0
"""After so long without a command, what could be lost with the process is written to disk."""
_ENDS_WITHIN_S = 1.5
"""However long the main thread takes."""


def main() -> None:
    """Load the model that the first command names, then serve until stdin ends."""
    # Ctrl-C and a stopping system reach the whole group; the daemon decides when we end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    events = Events(claim_stdout())
    commands = sys.stdin.buffer
    load = read_command(commands)
    if not isinstance(load, Load):
        return
    interrupt = Interrupt()
    try:
        model = load_model(load.spec, interrupt)
        drafter = load_drafter(load.spec, model, interrupt)
    except EngineError as error:
        events.send(failed(load.id, error))
        return
    info = msgspec.structs.replace(model.info, draft=drafter.name if drafter else "")
    events.send(Result(load.id, msgspec.Raw(msgspec.msgpack.encode(info))))
    worker = Worker(model, interrupt, load.spec, events, drafter)
    threading.Thread(target=listen, args=(commands, worker), daemon=True).start()
    # The first completion would wait half a second for it.
    model.vocabulary.prepare()
    worker.run()
    # What the libraries would do at the end of the process is no use, and takes time.
    os._exit(0)


class Worker:
    """Takes commands from the reading thread, and does the work in the main one."""

    def __init__(
        self,
        model: Model,
        interrupt: Interrupt,
        spec: WorkerSpec,
        events: Events,
        drafter: Drafter | None = None,
    ) -> None:
        self._model = model
        self._interrupt = interrupt
        self._events = events
        self._inbox: queue.SimpleQueue[Command | Seen | None] = queue.SimpleQueue()
        self._pool = _pool(model, spec, events)
        wanted = spec.speculate or drafter is not None
        speculation = Speculation(enabled=wanted and model.can_trim, drafter=drafter)
        self._generation = Generation(model, interrupt, self._pool, events.send, speculation)
        self._darkroom = Darkroom(model.vision, self._seen)
        self._embeddings: deque[EmbeddingJob] = deque()
        self._calibrator = Calibrator(model, interrupt, events.send)
        self._unfiled = False
        self._ending = threading.Event()

    def run(self) -> None:
        """Take commands, do one step, repeat; after `end`, save the KV cache."""
        while not self._ending.is_set():
            self._take_commands()
            if self._idle:
                self._calibrator.step()
                continue
            if self._generation.lane is not None:
                self._generation.step()
            else:
                self._embed_one()
            self._calibrator.disturbed()
        self._save()

    def end(self) -> None:
        """Make `run` end soon; to be called in the reading thread."""
        self._ending.set()
        self._interrupt.stop()
        self._inbox.put(None)

    def receive(self, command: Command) -> None:
        """Deal with a command in the reading thread."""
        match command:
            case Tokenize() | Detokenize() | Pieces():
                self._read_vocabulary(command)
            case Cancel(id):
                self._interrupt.cancel(id)
                self._inbox.put(command)
            case Generate(_, request):
                self._inbox.put(command)
                self._interrupt.arrived(request.lane)
            case Held():
                # A completion waits for the answer.
                self._inbox.put(command)
                self._interrupt.arrived(Lane.COMPLETION)
            case Embed():
                self._inbox.put(command)
                self._interrupt.arrived(Lane.BACKGROUND)
            case _:
                self._inbox.put(command)

    @property
    def _idle(self) -> bool:
        return self._generation.lane is None and not self._embeddings

    def _take_commands(self) -> None:
        self._interrupt.taken()
        if self._idle:
            self._take(self._waited_for())
        while not self._inbox.empty():
            self._take(self._inbox.get())

    def _seen(self, seen: Seen) -> None:
        """The images of a request are pictures now; called in the darkroom's thread."""
        self._inbox.put(seen)
        self._interrupt.arrived(seen.command.request.lane)

    def _waited_for(self) -> Command | Seen | None:
        """The next command; None if it is time for what is done when there is none."""
        rest_s = self._calibrator.rest_s
        try:
            return self._inbox.get(timeout=_SETTLES_S if self._unfiled else rest_s)
        except queue.Empty:
            if self._unfiled:
                self._unfiled = not self._pool.file(self._inbox.empty)
            return None

    def _take(self, command: Command | Seen | None) -> None:
        if command is None:
            return
        if isinstance(command, Seen):
            return self._generate(command)
        try:
            match command:
                case Generate(_, request) if request.images:
                    self._darkroom.add(command)
                case Generate():
                    self._generation.add(command)
                    self._unfiled = True
                case Held(id, prompt):
                    self._events.answer(id, self._pool.reach(prompt))
                case Embed(id, inputs):
                    self._embeddings.append(EmbeddingJob(id, inputs))
                case Calibrate():
                    self._calibrator.add(command)
                case Cancel(id):
                    self._cancel(id)
        except EngineError as error:
            self._events.send(failed(command.id, error))

    def _generate(self, seen: Seen) -> None:
        """Begin with a request whose images are seen, unless nobody waits for it."""
        if not self._darkroom.take(seen):
            return
        try:
            if seen.error is not None:
                raise seen.error
            self._generation.add(seen.command, seen.pictures)
            self._unfiled = True
        except EngineError as error:
            self._events.send(failed(seen.command.id, error))

    def _cancel(self, id: int) -> None:
        self._darkroom.cancel(id)
        self._generation.cancel(id)
        self._calibrator.cancel(id)
        self._embeddings = deque(job for job in self._embeddings if job.id != id)
        self._interrupt.forget(id)

    def _embed_one(self) -> None:
        """Embed one input, so that a completion waits for no more than that."""
        if not self._embeddings:
            return
        job = self._embeddings[0]
        self._interrupt.begin({job.id}, Lane.BACKGROUND)
        try:
            job.step(self._model.vectors)
        except EngineError as error:
            self._embeddings.popleft()
            self._events.send(failed(job.id, error))
            return
        finally:
            self._interrupt.end()
        if job.done:
            self._embeddings.popleft()
            self._events.answer(job.id, job.vectors)

    def _save(self) -> None:
        """Write to disk what the time allows."""
        deadline = time.monotonic() + SAVES_WITHIN_S

        def in_time() -> bool:
            return time.monotonic() < deadline

        if self._pool.file_last(in_time):
            self._pool.file(in_time)

    def _read_vocabulary(self, command: Tokenize | Detokenize | Pieces) -> None:
        vocabulary = self._model.vocabulary
        try:
            if isinstance(command, Tokenize):
                self._events.answer(command.id, vocabulary.tokenize(command.text, command.special))
            elif isinstance(command, Pieces):
                self._events.answer(command.id, vocabulary.rendered(command.tokens))
            else:
                self._events.answer(command.id, vocabulary.text(command.tokens))
        except EngineError as error:
            self._events.send(failed(command.id, error))


def listen(stream: BinaryIO, worker: Worker) -> None:
    """Hand on what the daemon says until it says no more; then the process ends in any case."""
    while (command := read_command(stream)) is not None:
        worker.receive(command)
    worker.end()
    time.sleep(_ENDS_WITHIN_S)
    os._exit(0)


def _pool(model: Model, spec: WorkerSpec, events: Events) -> KVPool:
    key = fingerprint(Path(spec.path), model.state_format)
    budget = spec.park_disk_bytes if spec.park_path else 0
    archive = Archive(Path(spec.park_path), budget, key, events.notice)
    park = Park(spec.park_bytes, archive)
    return KVPool(model, park, spec.n_seq, model.n_ctx, spec.resident_cells)


if __name__ == "__main__":
    main()
