"""A transport for the SDK's client: a program that speaks MCP on its standard streams.

copilotd has its own transport because the SDK's takes up to six seconds to end a program, and the
daemon has less than one second to end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from copilotd.tools.process import build_environment, signal_group

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 16_000_000
_END_TIMEOUTS_S = (0.25, 0.15)
"""How long a program may take to end: first after its input has ended, then after SIGTERM."""
_REAP_TIMEOUT_S = 0.2
_POLL_S = 1.0
_MAX_LINE_LENGTH = 300
"""Characters of the program's last error message that are kept."""


@dataclass(frozen=True, slots=True)
class ConnectionLoss:
    """How a connection ended. `last_stderr_line` is the last line on the program's stderr."""

    reason: str
    last_stderr_line: str = ""


@asynccontextmanager
async def open_stdio_transport(
    command: Sequence[str], extra: Mapping[str, str], loss: "asyncio.Future[ConnectionLoss]"
) -> AsyncGenerator[
    "tuple[MemoryObjectReceiveStream[SessionMessage | Exception], "
    "MemoryObjectSendStream[SessionMessage]]",
    None,
]:
    """Run the program; leaving the context ends it and everything that it started.

    `loss` gets a result if the program ends by itself.

    Raises: OSError if it cannot be started.
    """
    from mcp.shared.message import SessionMessage

    process = await asyncio.create_subprocess_exec(
        *command,
        env=build_environment(extra),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    incoming, for_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    from_client, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    stderr = asyncio.create_task(_read_stderr(process))
    tasks: list[asyncio.Task[Any]] = [
        stderr,
        asyncio.create_task(_receive(process, incoming, stderr, loss)),
        asyncio.create_task(_send(process, outgoing)),
    ]
    try:
        yield for_client, from_client
    finally:
        # From here on we end the program, so its end is not a loss.
        loss.cancel()
        # The tasks continue to read its output and drop it, so that the program can end.
        for stream in (for_client, from_client):
            stream.close()
        try:
            await _end(process)
        finally:
            signal_group(process)
            # Nothing can write any more, so the tasks come to an end and close their pipes.
            await asyncio.wait(tasks, timeout=_REAP_TIMEOUT_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for half in (incoming, outgoing):
                half.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the program: close its input, then send SIGTERM, then SIGKILL."""
    assert process.stdin is not None
    process.stdin.close()
    for timeout_s, force in zip(_END_TIMEOUTS_S, (False, True), strict=True):
        if await _has_ended(process, timeout_s):
            return
        signal_group(process, force=force)
    await _has_ended(process, _REAP_TIMEOUT_S)


async def _has_ended(process: asyncio.subprocess.Process, timeout_s: float) -> bool:
    # `process.wait` also waits for the streams, and a background process may hold them open.
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    return process.returncode is not None


async def _receive(
    process: asyncio.subprocess.Process,
    incoming: "MemoryObjectSendStream[SessionMessage | Exception]",
    stderr: "asyncio.Task[str]",
    loss: "asyncio.Future[ConnectionLoss]",
) -> None:
    """Pass on the program's messages, one per line, until its output ends."""
    buffer = b""
    while (piece := await _read_piece(process)) and len(buffer) < MAX_MESSAGE_BYTES:
        *lines, buffer = (buffer + piece).split(b"\n")
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            for line in filter(None, map(bytes.strip, lines)):
                await incoming.send(_parse_message(line))
    await _has_ended(process, 1.0)
    if not loss.done():
        loss.set_result(ConnectionLoss(_explain_end(process), await _last_line(stderr)))
    incoming.close()


async def _read_piece(process: asyncio.subprocess.Process) -> bytes:
    """The program's next output; empty after its end, even if a child holds the stream open."""
    assert process.stdout is not None
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_S):
                return await process.stdout.read(65536)
        if process.returncode is not None:
            return b""


def _parse_message(line: bytes) -> "SessionMessage | Exception":
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


def _explain_end(process: asyncio.subprocess.Process) -> str:
    if process.returncode is None:
        return "it closed its output"
    return f"it ended with exit code {process.returncode}"


async def _send(
    process: asyncio.subprocess.Process, outgoing: "MemoryObjectReceiveStream[SessionMessage]"
) -> None:
    assert process.stdin is not None
    with suppress(OSError, anyio.ClosedResourceError), outgoing:
        async for item in outgoing:
            line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(f"{line}\n".encode())
            await process.stdin.drain()


async def _read_stderr(process: asyncio.subprocess.Process) -> str:
    """Read the program's stderr to its end; the last line of it, cut short."""
    assert process.stderr is not None
    tail = ""
    while piece := await process.stderr.read(4096):
        text = piece.decode("utf-8", errors="replace")
        log.debug("an MCP server says: %s", text.rstrip())
        tail = (tail + text)[-4096:]
    return (tail.strip().splitlines() or [""])[-1][-_MAX_LINE_LENGTH:]


async def _last_line(stderr: "asyncio.Task[str]") -> str:
    # A background process may keep the program's stderr open.
    done, _ = await asyncio.wait([stderr], timeout=0.1)
    return stderr.result() if done else ""
