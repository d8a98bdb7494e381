"""The child process that holds the model: `python -m copilotd.engine.worker`.

Commands come in on stdin, events leave on what was stdout (the real one is pointed at stderr, for
whatever libraries print). One thread reads commands, answers what needs only the vocabulary, and
sets the interrupt; the main thread owns the context. When stdin ends the daemon is gone, and the
process ends at once, also in the middle of a batch: no orphan keeps the memory.
"""

import os
import queue
import signal
import sys
import threading
from collections import deque
from typing import BinaryIO

import msgspec

from copilotd.engine.embedding import EmbeddingJob
from copilotd.engine.generation import Generation, failed
from copilotd.engine.interrupt import Interrupt
from copilotd.engine.model import Model
from copilotd.engine.protocol import (
    Cancel,
    Command,
    Detokenize,
    Embed,
    Event,
    Generate,
    Load,
    Result,
    Tokenize,
    WorkerSpec,
)
from copilotd.errors import EngineError
from copilotd.types import Lane


def main() -> None:
    """Load the model that the first command names, then serve until stdin ends."""
    # Ctrl-C in a terminal reaches the whole process group; the daemon decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    events = Events(_claim_stdout())
    commands = sys.stdin.buffer
    load = read_command(commands)
    if not isinstance(load, Load):
        return
    interrupt = Interrupt()
    try:
        model = Model(load.spec, interrupt)
    except EngineError as error:
        events.send(failed(load.id, error))
        return
    events.send(Result(load.id, msgspec.Raw(msgspec.msgpack.encode(model.info))))
    worker = Worker(model, interrupt, load.spec, events)
    threading.Thread(target=_read, args=(commands, worker), daemon=True).start()
    worker.run()


class Events:
    """Writes events to the daemon, from either thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._encoder = msgspec.msgpack.Encoder()

    def send(self, event: Event) -> None:
        """Write one frame."""
        body = self._encoder.encode(event)
        with self._lock:
            self._stream.write(len(body).to_bytes(4, "big") + body)
            self._stream.flush()

    def answer(self, id: int, value: object) -> None:
        """Send the value of a command."""
        self.send(Result(id, msgspec.Raw(self._encoder.encode(value))))


class Worker:
    """Takes commands from the reading thread, and does the work in the main one."""

    def __init__(
        self, model: Model, interrupt: Interrupt, spec: WorkerSpec, events: Events
    ) -> None:
        self._model = model
        self._interrupt = interrupt
        self._events = events
        self._inbox: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._generation = Generation(model, interrupt, spec, events.send)
        self._embeddings: deque[EmbeddingJob] = deque()

    def run(self) -> None:
        """Take commands, do one step, repeat."""
        while True:
            self._take_commands()
            if self._generation.lane is not None:
                self._generation.step()
            else:
                self._embed_one()

    def receive(self, command: Command) -> None:
        """Deal with a command in the reading thread."""
        match command:
            case Tokenize() | Detokenize():
                self._read_vocabulary(command)
            case Cancel(id):
                self._interrupt.cancel(id)
                self._inbox.put(command)
            case Generate(_, request):
                self._inbox.put(command)
                self._interrupt.arrived(request.lane)
            case _:
                self._inbox.put(command)

    def _take_commands(self) -> None:
        idle = self._generation.lane is None and not self._embeddings
        self._interrupt.taken()
        if idle:
            self._take(self._inbox.get())
        while not self._inbox.empty():
            self._take(self._inbox.get())

    def _take(self, command: Command) -> None:
        try:
            match command:
                case Generate():
                    self._generation.add(command)
                case Embed(id, inputs):
                    self._embeddings.append(EmbeddingJob(id, inputs))
                case Cancel(id):
                    self._cancel(id)
        except EngineError as error:
            self._events.send(failed(command.id, error))

    def _cancel(self, id: int) -> None:
        self._generation.cancel(id)
        self._embeddings = deque(job for job in self._embeddings if job.id != id)
        self._interrupt.forget(id)

    def _embed_one(self) -> None:
        """Embed one input, so that a completion waits for no more than that."""
        if not self._embeddings:
            return
        job = self._embeddings[0]
        self._interrupt.begin({job.id}, Lane.BACKGROUND)
        try:
            job.step(self._model)
        except EngineError as error:
            self._embeddings.popleft()
            self._events.send(failed(job.id, error))
            return
        finally:
            self._interrupt.end()
        if job.done:
            self._embeddings.popleft()
            self._events.answer(job.id, job.vectors)

    def _read_vocabulary(self, command: Tokenize | Detokenize) -> None:
        vocabulary = self._model.vocabulary
        try:
            if isinstance(command, Tokenize):
                self._events.answer(command.id, vocabulary.tokenize(command.text, command.special))
            else:
                self._events.answer(command.id, vocabulary.text(command.tokens))
        except EngineError as error:
            self._events.send(failed(command.id, error))


def read_command(stream: BinaryIO) -> Command | None:
    """The next command; None when the daemon is gone."""
    header = stream.read(4)
    body = stream.read(int.from_bytes(header, "big")) if len(header) == 4 else b""
    return msgspec.msgpack.decode(body, type=Command) if body else None


def _read(stream: BinaryIO, worker: Worker) -> None:
    while (command := read_command(stream)) is not None:
        worker.receive(command)
    # The interpreter would wait for the main thread, which may be inside llama.cpp.
    os._exit(0)


def _claim_stdout() -> BinaryIO:
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stream


if __name__ == "__main__":
    main()
