"""One worker process and the pipe to it."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

import msgspec

from copilotd import errors
from copilotd.engine.protocol import (
    SAVE_TIMEOUT_S,
    Command,
    Event,
    Failed,
    Finish,
    Notice,
    Result,
    encode_command,
)
from copilotd.errors import EngineDied, EngineError, IllegalInstruction

T = TypeVar("T")
Inbox = asyncio.Queue[Event | EngineDied]

_ENDS_WITHIN_S = SAVE_TIMEOUT_S + 0.25

log = logging.getLogger(__name__)


class WorkerProcess:
    """A running worker. When it dies, every command in it fails with EngineDied."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_death: Callable[[EngineDied], None]
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._on_death = on_death
        self._inboxes: dict[int, Inbox] = {}
        self._last_words: deque[str] = deque(maxlen=5)
        self._closing = False
        self._ended: EngineDied | None = None
        self._tasks = (
            asyncio.create_task(self._read_events()),
            asyncio.create_task(self._read_stderr()),
        )

    @classmethod
    async def start(cls, on_death: Callable[[EngineDied], None]) -> "WorkerProcess":
        """Start a worker; `on_death` is called once if it ends before `close`."""
        pipe = asyncio.subprocess.PIPE
        # Without -P, a queue.py in the folder where the daemon was started would be imported.
        command = (sys.executable, "-P", "-m", "copilotd.engine.worker.main")
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe
        )
        return cls(process, on_death)

    @property
    def busy(self) -> int:
        """Commands that have not been answered."""
        return len(self._inboxes)

    async def call(self, command: Command, answer: type[T]) -> T:
        """Send a command that has one answer. Raises: EngineError."""
        async with contextlib.aclosing(self.stream(command)) as events:
            async for event in events:
                if isinstance(event, Result):
                    return msgspec.msgpack.decode(event.value, type=answer)
        raise EngineError(f"no answer to {type(command).__name__}")

    async def stream(self, command: Command) -> AsyncGenerator[Event, None]:
        """Send a command, yield its events up to the last one. Raises: EngineError."""
        inbox: Inbox = asyncio.Queue()
        self._inboxes[command.id] = inbox
        try:
            self.send(command)
            while True:
                event = await inbox.get()
                if isinstance(event, EngineDied):
                    raise event
                if isinstance(event, Failed):
                    raise _typed(event)
                yield event
                if isinstance(event, Result | Finish):
                    return
        finally:
            del self._inboxes[command.id]

    def send(self, command: Command) -> None:
        """Write one frame. Raises: EngineDied; InvalidRequest for what no frame can hold."""
        if self._ended is not None:
            raise self._ended
        body = encode_command(command)
        # Where the pipe is broken, those who wait will soon hear why.
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(len(body).to_bytes(4, "big") + body)

    async def close(self) -> None:
        """End the worker; it has a moment to save its KV cache, those who wait for it have not."""
        self._closing = True
        self._fail(EngineDied("the model is being unloaded", "Try again."))
        self._close_pipes()
        try:
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read_events(self) -> None:
        if self._process.stdout is None:
            return
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await self._process.stdout.readexactly(4)
                body = await self._process.stdout.readexactly(int.from_bytes(header, "big"))
                event = msgspec.msgpack.decode(body, type=Event | Notice)
                if isinstance(event, Notice):
                    log.warning(event.message)
                elif inbox := self._inboxes.get(event.id):
                    inbox.put_nowait(event)
        await self._bury()

    async def _bury(self) -> None:
        code = await self._process.wait()
        error = _death(code, self._quoted())
        self._fail(error)
        if not self._closing:
            self._close_pipes()
            self._on_death(error)

    def _fail(self, error: EngineDied) -> None:
        self._ended = self._ended or error
        for inbox in self._inboxes.values():
            inbox.put_nowait(error)

    def _close_pipes(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _quoted(self) -> str:
        return f": {' / '.join(self._last_words)}" if self._last_words else ""

    async def _read_stderr(self) -> None:
        if self._process.stderr is None:
            return
        async for line in self._process.stderr:
            text = line.decode("utf-8", "replace").rstrip()
            self._last_words.append(text)
            log.debug("worker: %s", text)


def _death(code: int, quoted: str) -> EngineDied:
    if code == -signal.SIGILL:
        return IllegalInstruction(
            "llama.cpp was built for another processor (illegal instruction)",
            "`copilotd doctor` tells how to build it anew.",
        )
    ending = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return EngineDied(
        f"the model's worker process {ending}{quoted}",
        "The next request starts a new one; `copilotd logs` shows more.",
    )


def _typed(event: Failed) -> EngineError:
    kind = getattr(errors, event.error, EngineError)
    error = kind(event.message, event.hint)
    return error if isinstance(error, EngineError) else EngineError(event.message, event.hint)
