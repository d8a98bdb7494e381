"""Runs a program for a tool: in its own process group, with a limit on its output.

When `run_program` returns or is cancelled, the program and its whole group have ended.
"""

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from copilotd.tools.errors import ToolFailed

_MAX_OUTPUT_BYTES = 200_000
"""Output that is kept. The rest is read and dropped, so that the program does not block."""
_SECRET = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL|PRIVATE_?KEY|SESSION_KEY|__KEY", re.I
)
"""Names of environment variables that a program started for a model does not get."""


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended. `output` holds both its standard output and its standard error."""

    exit_code: int
    output: str


def build_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process without what looks like a secret, and with `extra`."""
    own = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    return {**own, **(extra or {})}


async def run_program(
    command: Sequence[str], folder: Path, extra: Mapping[str, str] | None = None
) -> ProgramResult:
    """Run a program until it ends. Cancelling ends it and everything that it started.

    Raises: ToolFailed if it cannot be started.
    """
    process = await _start(command, folder, build_environment(extra))
    try:
        output = await _read_output(process)
        return ProgramResult(await process.wait(), output)
    finally:
        await _end(process)


async def _start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    # A cancellation in the middle of the start would make asyncio leave a pipe open.
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(OSError, ValueError):
            await _end(await starting)
        raise
    except (OSError, ValueError) as error:
        raise ToolFailed(f"{command[0]} cannot be started: {error}.") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the program and its background processes, and stop reading its output."""
    signal_group(process)
    # A process that has left the group may still hold the other end of the pipe.
    transport: asyncio.SubprocessTransport = process._transport  # type: ignore[attr-defined]
    transport.close()
    await process.wait()


def signal_group(process: asyncio.subprocess.Process, *, force: bool = True) -> None:
    """Kill the process group that `process` leads; without `force`, only ask it to end."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
        elif force:
            process.kill()


async def _read_output(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    kept = bytearray()
    while piece := await process.stdout.read(65536):
        kept += piece[: _MAX_OUTPUT_BYTES - len(kept)]
    return kept.decode("utf-8", errors="replace")
