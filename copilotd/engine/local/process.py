"""One worker process and the pipe to it.

Each command gets an inbox; the reader puts each event into the inbox of its command. When the
process ends, its error goes into every inbox, so no caller waits for a dead worker.
"""

import asyncio
import contextlib
import itertools
import logging
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

import msgspec

from copilotd import errors
from copilotd.engine.local.watch import watch
from copilotd.engine.protocol import (
    SAVE_TIMEOUT_S,
    Command,
    Event,
    Failed,
    Finish,
    Notice,
    Ping,
    Pulse,
    Result,
    encode_command,
)
from copilotd.errors import EngineDied, EngineError, IllegalInstruction

T = TypeVar("T")
Inbox = asyncio.Queue[Event | EngineDied]

_END_TIMEOUT_S = SAVE_TIMEOUT_S + 0.25
"""The worker gets this long to save its KV cache and end; then it is killed."""

log = logging.getLogger(__name__)


class WorkerProcess:
    """A running worker. When it dies, every pending command fails with EngineDied."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_death: Callable[[EngineDied], None]
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._on_death = on_death
        self._inboxes: dict[int, Inbox] = {}
        self._ping_ids = itertools.count(1)
        self._last_stderr_lines: deque[str] = deque(maxlen=5)
        self._is_closing = False
        self._death: EngineDied | None = None
        self._reason_for_kill = ""
        self._watch: asyncio.Task[None] | None = None
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

    async def call(self, command: Command, kind: type[T]) -> T:
        """Send a command and return its one result, of type `kind`. Raises: EngineError."""
        async with contextlib.aclosing(self.stream(command)) as events:
            async for event in events:
                if isinstance(event, Result):
                    return msgspec.msgpack.decode(event.value, type=kind)
        raise EngineError(f"no answer to {type(command).__name__}")

    async def stream(self, command: Command) -> AsyncGenerator[Event, None]:
        """Send a command and yield its events, the last one included. Raises: EngineError."""
        inbox: Inbox = asyncio.Queue()
        self._inboxes[command.id] = inbox
        try:
            self.send(command)
            while True:
                event = await inbox.get()
                if isinstance(event, EngineDied):
                    raise event
                if isinstance(event, Failed):
                    raise _build_error(event)
                yield event
                if isinstance(event, Result | Finish):
                    return
        finally:
            del self._inboxes[command.id]

    def send(self, command: Command) -> None:
        """Write one frame.

        Raises:
            EngineDied: the worker has ended.
            InvalidRequest: the command cannot be encoded.
        """
        if self._death is not None:
            raise self._death
        body = encode_command(command)
        # If the pipe is broken, the reader will soon fail all pending commands with the reason.
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(len(body).to_bytes(4, "big") + body)

    def start_watch(self) -> None:
        """Begin to watch over the worker, once it has loaded its model."""
        self._watch = asyncio.create_task(watch(self._ping, self._is_busy, self._kill_stuck))

    def _is_busy(self) -> bool:
        return any(id > 0 for id in self._inboxes)

    async def _ping(self) -> Pulse:
        return await self.call(Ping(-next(self._ping_ids)), Pulse)

    def _kill_stuck(self, reason: str) -> None:
        log.error("the model's worker process (pid %d) %s: it is ended", self.pid, reason)
        self._reason_for_kill = reason
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Fail pending commands; give the worker a moment to save its KV cache, then end it."""
        self._is_closing = True
        self._fail_pending(EngineDied("the model is being unloaded", "Try again."))
        self._close_pipes()
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
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
        await self._handle_exit()

    async def _handle_exit(self) -> None:
        code = await self._process.wait()
        error = _describe_exit(code, self._quote_stderr(), self._reason_for_kill)
        if self._watch is not None:
            self._watch.cancel()
        self._fail_pending(error)
        if not self._is_closing:
            self._close_pipes()
            self._on_death(error)

    def _fail_pending(self, error: EngineDied) -> None:
        self._death = self._death or error
        for inbox in self._inboxes.values():
            inbox.put_nowait(error)

    def _close_pipes(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _quote_stderr(self) -> str:
        return f": {' / '.join(self._last_stderr_lines)}" if self._last_stderr_lines else ""

    async def _read_stderr(self) -> None:
        if self._process.stderr is None:
            return
        async for line in self._process.stderr:
            text = line.decode("utf-8", "replace").rstrip()
            self._last_stderr_lines.append(text)
            log.debug("worker: %s", text)


def _describe_exit(code: int, stderr: str, reason_for_kill: str) -> EngineDied:
    if reason_for_kill:
        return EngineDied(
            f"the model's worker process {reason_for_kill} and was ended",
            "The next request starts a new one.",
        )
    if code == -signal.SIGILL:
        return IllegalInstruction(
            "llama.cpp was built for another processor (illegal instruction)",
            "`copilotd doctor` says how to rebuild it.",
        )
    ending = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return EngineDied(
        f"the model's worker process {ending}{stderr}",
        "The next request starts a new one; `copilotd logs` shows more.",
    )


def _build_error(event: Failed) -> EngineError:
    """Return the error of `copilotd.errors` that the event names."""
    kind = getattr(errors, event.error, EngineError)
    error = kind(event.message, event.hint)
    return error if isinstance(error, EngineError) else EngineError(event.message, event.hint)
