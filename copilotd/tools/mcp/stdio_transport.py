"""A program that speaks MCP on its standard streams, as a transport for the SDK's client.

The SDK's own takes up to six seconds to end a program; the daemon has less than one to end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from copilotd.tools.process import end, environment

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage

log = logging.getLogger(__name__)

LONGEST = 16_000_000
"""Bytes of one message."""
_TO_END_S = (0.25, 0.15)
"""How long a program may take to end by itself: once its input has ended, and once asked to."""
_REAPED_WITHIN_S = 0.2
_LOOK_S = 1.0
_SAID = 300
"""Characters of its complaints that are kept for an error message."""


@dataclass(frozen=True, slots=True)
class Lost:
    """How a connection ended; `said` is the last line that the program wrote to its stderr."""

    reason: str
    said: str = ""


@asynccontextmanager
async def program(
    command: Sequence[str], extra: Mapping[str, str], lost: "asyncio.Future[Lost]"
) -> AsyncGenerator[
    "tuple[MemoryObjectReceiveStream[SessionMessage | Exception], "
    "MemoryObjectSendStream[SessionMessage]]",
    None,
]:
    """Run it; leaving ends it and all that it started. `lost` is told when it ends by itself.

    Raises: OSError where it cannot be started.
    """
    from mcp.shared.message import SessionMessage

    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment(extra),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    heard, to_us = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_it, said = anyio.create_memory_object_stream[SessionMessage](0)
    complaints = asyncio.create_task(_complaints(process))
    tasks: list[asyncio.Task[Any]] = [
        complaints,
        asyncio.create_task(_listen(process, heard, complaints, lost)),
        asyncio.create_task(_speak(process, said)),
    ]
    try:
        yield to_us, to_it
    finally:
        # From here on its end is our doing.
        lost.cancel()
        # Whoever still reads its output now only throws it away, so that it can end.
        for stream in (to_us, to_it):
            stream.close()
        try:
            await _ended(process)
        finally:
            end(process)
            # Nothing is left that could write, so they come to an end, and their pipes are closed.
            await asyncio.wait(tasks, timeout=_REAPED_WITHIN_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for half in (heard, said):
                half.close()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """See it end: by the end of its input, by a signal, by force."""
    assert process.stdin is not None
    process.stdin.close()
    for within, then in zip(_TO_END_S, (False, True), strict=True):
        if await _is_over(process, within):
            return
        end(process, by_force=then)
    await _is_over(process, _REAPED_WITHIN_S)


async def _is_over(process: asyncio.subprocess.Process, within_s: float) -> bool:
    # `wait` would wait for its streams too, which what it left behind may hold open.
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    return process.returncode is not None


async def _listen(
    process: asyncio.subprocess.Process,
    heard: "MemoryObjectSendStream[SessionMessage | Exception]",
    complaints: "asyncio.Task[str]",
    lost: "asyncio.Future[Lost]",
) -> None:
    """Pass on what it says, a message a line, to the end of its output."""
    buffer = b""
    while (piece := await _piece(process)) and len(buffer) < LONGEST:
        *lines, buffer = (buffer + piece).split(b"\n")
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            for line in filter(None, map(bytes.strip, lines)):
                await heard.send(_message(line))
    await _is_over(process, 1.0)
    if not lost.done():
        lost.set_result(Lost(_reason(process), await _last(complaints)))
    heard.close()


async def _piece(process: asyncio.subprocess.Process) -> bytes:
    """Its next output; nothing once it has ended, even if what it left behind holds the stream."""
    assert process.stdout is not None
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                return await process.stdout.read(65536)
        if process.returncode is not None:
            return b""


def _message(line: bytes) -> "SessionMessage | Exception":
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


def _reason(process: asyncio.subprocess.Process) -> str:
    if process.returncode is None:
        return "it closed its output"
    return f"it ended with exit code {process.returncode}"


async def _speak(
    process: asyncio.subprocess.Process, said: "MemoryObjectReceiveStream[SessionMessage]"
) -> None:
    assert process.stdin is not None
    with suppress(OSError, anyio.ClosedResourceError), said:
        async for item in said:
            line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(f"{line}\n".encode())
            await process.stdin.drain()


async def _complaints(process: asyncio.subprocess.Process) -> str:
    """Read what it writes to stderr; the last line of it, cut short."""
    assert process.stderr is not None
    kept = ""
    while piece := await process.stderr.read(4096):
        text = piece.decode("utf-8", errors="replace")
        log.debug("an MCP server says: %s", text.rstrip())
        kept = (kept + text)[-4096:]
    return (kept.strip().splitlines() or [""])[-1][-_SAID:]


async def _last(complaints: "asyncio.Task[str]") -> str:
    # What it started in the background may keep its stderr open.
    done, _ = await asyncio.wait([complaints], timeout=0.1)
    return complaints.result() if done else ""
