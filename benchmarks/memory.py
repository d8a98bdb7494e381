"""Resident memory of the daemon with one editor and with eight, at rest and after the unload.

    python -m benchmarks.memory --model MODEL.gguf

Each editor is an LSP connection with its own file of about 1,900 tokens, and requests one
completion. The next editor connects when the daemon prepares nothing more for this one. After the
unload the daemon has no worker. On Linux, a process's own memory is its PSS without pages of files.
The pages of files, mostly those of the model, are a second figure: they count in full although
processes share them, and the system can drop them and read them again. On other systems there is
one figure, RSS. llama-server has one slot and the daemon's context size, and has completed the
first file.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.clients.keystrokes import LlamaServer
from benchmarks.measure import describe_machine
from benchmarks.options import create_parser
from benchmarks.peers import run_llama_server
from benchmarks.progress import show_progress
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import RunningDaemon, run_daemon
from benchmarks.servers.idle import find_worker, wait_until_idle
from benchmarks.workloads.conversation import FUNCTION
from benchmarks.workloads.functions import Keystroke
from copilotd.engine.worker.llama.context_params import count_cores
from tests.lsp.raw_client import INLINE, RawClient, completion_params

EDITORS = (1, 8)
FUNCTIONS = 56
N_CTX = 8192
INVOKED = 1
# Longer than the pause after which the daemon starts to prepare the next request.
SETTLE_S = 1.0
IDLE_S = 15.0
TIMEOUT_S = 120.0
CURSOR = "result = "


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a process: its own memory, and its pages of files.

    `files` is None where the system does not separate the two.
    """

    own: int
    files: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The memory of each process in one state."""

    state: str
    daemon: Memory | None = None
    computing: Memory | None = None


def main() -> None:
    """Print the table."""
    options = _parse_options()
    rows = []
    for editors in EDITORS:
        show_progress(f"{editors} editors")
        rows += asyncio.run(_measure_daemon(options.model, editors))
    show_progress("llama-server")
    rows.append(_measure_llama_server(options.model))
    print(f"\n{describe_machine()}, {options.model.name}, {_name_measure()}\n")
    print(_render_table(rows))


async def _measure_daemon(model: Path, number: int) -> list[Row]:
    """Measure one daemon from its start to the unload."""
    settings = {"ENGINE__IDLE_MINUTES": str(IDLE_S / 60), "MODEL__AUTO_TUNE": "false"}
    with run_daemon(model, **settings) as daemon:
        rows = [_measure_row("loaded, no editor", daemon)]
        editors = [await _open_editor(daemon, each) for each in range(number)]
        rows.append(_measure_row(f"at rest, editors: {number}", daemon))
        await asyncio.to_thread(_wait_for_unload, daemon)
        rows.append(Row(f"unloaded, editors: {number}", _read_memory(daemon.pid)))
        for editor in editors:
            await editor.shut_down()
    return rows


async def _open_editor(daemon: RunningDaemon, number: int) -> RawClient:
    """Connect an editor, complete once, and wait until the daemon prepares nothing more."""
    editor = await RawClient.connect(daemon.socket)
    await editor.initialize("benchmark")
    text, uri = _build_text(number), f"file:///w/{number}.py"
    editor.open_file(text, uri)
    await editor.request(
        INLINE, completion_params(text.count("\n"), len(CURSOR), uri, kind=INVOKED)
    )
    await asyncio.to_thread(_settle, find_worker(daemon.pid))
    return editor


def _settle(pid: int) -> None:
    time.sleep(SETTLE_S)
    wait_until_idle(pid)


def _wait_for_unload(daemon: RunningDaemon) -> None:
    client, until = Api(daemon.url).client, time.monotonic() + TIMEOUT_S
    while client.get("/admin/status").json()["state"]["phase"] != "stopped":
        if time.monotonic() > until:
            raise TimeoutError("the daemon does not unload the model")
        time.sleep(0.5)


def _measure_llama_server(model: Path) -> Row:
    with run_llama_server(model, count_cores(), "off", N_CTX) as peer:
        LlamaServer(peer.url).suggest(Keystroke(_build_text(0), "", ""))
        _settle(peer.pid)
        return Row("llama-server, one slot", None, _read_memory(peer.pid))


def _measure_row(state: str, daemon: RunningDaemon) -> Row:
    return Row(state, _read_memory(daemon.pid), _read_memory(find_worker(daemon.pid)))


def _build_text(number: int) -> str:
    return "".join(FUNCTION.format(f"{number}_{i}") for i in range(FUNCTIONS)) + CURSOR


# --- memory of a process --------------------------------------------------------------------------


def _read_memory(pid: int) -> Memory:
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if rollup.exists():
        return parse_rollup(rollup.read_text())
    return Memory(psutil.Process(pid).memory_info().rss)


def parse_rollup(text: str) -> Memory:
    """Read what Linux reports for a process: PSS without files, and resident pages of files."""
    rows = (line.split() for line in text.splitlines()[1:])
    kib = {name.rstrip(":"): int(value) for name, value, *_ in rows}
    return Memory(1024 * (kib["Pss"] - kib["Pss_File"]), 1024 * (kib["Rss"] - kib["Anonymous"]))


def _name_measure() -> str:
    return "PSS and pages of files" if Path("/proc/self/smaps_rollup").exists() else "RSS"


# --- the table -----------------------------------------------------------------------------------


def _render_table(rows: list[Row]) -> str:
    """One row for each state, in MiB."""
    lines = [
        "| MiB | daemon: own | file pages | worker or server: own | file pages "
        "| all but file pages |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        parts = [part for part in (row.daemon, row.computing) if part is not None]
        cells = [
            *_render_cells(row.daemon),
            *_render_cells(row.computing),
            _format_mib(sum(p.own for p in parts)),
        ]
        lines.append(f"| {row.state} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _render_cells(memory: Memory | None) -> Iterator[str]:
    yield _format_mib(memory.own if memory else None)
    yield _format_mib(memory.files if memory else None)


def _format_mib(value: int | None) -> str:
    return "-" if value is None else f"{value / 2**20:.0f}"


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    return parser.parse_args()


if __name__ == "__main__":
    main()
