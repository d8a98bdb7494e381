"""Running a program for a tool: in its own group, with a cap on what it says, and surely ended."""

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from copilotd.tools.errors import ToolFailed

_KEPT = 200_000
"""Bytes of output that are kept; the rest is read and thrown away."""
_SECRET = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL|PRIVATE_?KEY|SESSION_KEY|__KEY", re.I
)
"""Names of environment variables that no program started for a model gets."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended; `output` is what it wrote to both of its outputs."""

    code: int
    output: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment without what looks like a secret."""
    kept = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    return {**kept, **(extra or {})}


async def run(
    command: Sequence[str], folder: Path, extra: Mapping[str, str] | None = None
) -> Ended:
    """Run a program to its end; cancelling ends it and all that it started.

    Raises: ToolFailed where it cannot be started.
    """
    process = await _started(command, folder, environment(extra))
    try:
        output = await _read(process)
        return Ended(await process.wait(), output)
    finally:
        await _leave(process)


async def _started(
    command: Sequence[str], folder: Path, env: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """The program, begun; asyncio would leave a pipe open if it were cancelled in the middle."""
    beginning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        with suppress(OSError, ValueError):
            await _leave(await beginning)
        raise
    except (OSError, ValueError) as error:
        raise ToolFailed(f"{command[0]} cannot be started: {error}.") from error


async def _leave(process: asyncio.subprocess.Process) -> None:
    """End it, and those of its group that went on in the background, and read it no more."""
    end(process)
    # Whoever has left the group may still hold the other end of the pipe.
    transport: asyncio.SubprocessTransport = process._transport  # type: ignore[attr-defined]
    transport.close()
    await process.wait()


def end(process: asyncio.subprocess.Process, *, by_force: bool = True) -> None:
    """End a program that leads a group, and the whole group; asked to where not `by_force`."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL if by_force else signal.SIGTERM)
        elif by_force:
            process.kill()


async def _read(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    kept = bytearray()
    while piece := await process.stdout.read(65536):
        kept += piece[: _KEPT - len(kept)]
    return kept.decode("utf-8", errors="replace")
