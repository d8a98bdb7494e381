"""Play a programmer's recorded session in real time, with each server in turn for ghost text.

    python -m benchmarks.replay TRACE.w.json --model MODEL.gguf

Edits, changes of the file, requests and cancellations come at the programmer's own times. A request
is answered in time if text that is not blank arrives before the next edit or request. Gold is the
rest of the request's line as it is 30 seconds later. Every side starts on a new server that has
loaded the model and written a few words, with as many threads as the machine has cores. copilotd
has measured the machine, as it does once while it is idle. The first column holds the answers in
the recording itself. With several recordings, the sides take turns, and the figures are of all
recordings together.

On every side, a line is judged only if it is known and not blank later, because a text that begins
with a line end would be right by chance on a blank line. Right characters leave out what already
stood behind the cursor, and a text that repeats the rest of its line has none.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.clients.copilotd import CopilotdClient
from benchmarks.clients.llama_cpp import FimPromptBuilder, LlamaCppClient
from benchmarks.clients.recorded import RecordedClient
from benchmarks.llama_vim.client import LlamaVim
from benchmarks.measure import describe_machine, rotate
from benchmarks.options import (
    BASELINE,
    add_baseline,
    add_choice,
    create_parser,
    read_baseline,
)
from benchmarks.peers import run_llama_cpp_server, run_llama_server
from benchmarks.recording.player import Client, play, play_and_wait, play_at_once
from benchmarks.recording.scores import Replay, pool, render_comparisons, render_scores, save
from benchmarks.recording.trace import Event, read_trace
from benchmarks.servers.daemon import Checkout, run_copilotd, run_daemon, run_version
from benchmarks.servers.footprint import measure_footprint
from copilotd.engine.worker.llama.context_params import count_cores

N_CTX = 8192
RECORDED = "recorded"
RunningSide = Iterator[tuple[Client, int]]
Starter = Callable[[Path], AbstractContextManager[tuple[Client, int]]]


def main() -> None:
    """Print the tables."""
    options = _parse_options()
    # SIGTERM must also run the code that stops the servers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sides = _choose_sides(options)
    played: dict[str, list[Replay]] = {side: [] for side in (RECORDED, *sides)}
    for number, trace in enumerate(options.trace):
        events = read_trace(trace, options.seconds)
        seconds = min(options.seconds, events[-1].time)
        played[RECORDED].append(_replay_recorded(events, seconds))
        for side in rotate([*sides], number):
            played[side].append(_replay_side(side, sides[side], options.model, events, seconds))
            if options.out:
                save(options.out, [one for replays in played.values() for one in replays])
    pooled = [pool(replays) for replays in played.values()]
    names = ", ".join(trace.name for trace in options.trace)
    print(f"\n{describe_machine()}, {options.model.name}, {pooled[0].seconds:.0f} s of {names}\n")
    print(render_scores(pooled))
    if len(pooled) > 2:
        print(f"\n{render_comparisons([*pooled[1:], pooled[0]])}")


def _choose_sides(options: argparse.Namespace) -> dict[str, Starter]:
    """The sides that the options name, and the baseline."""
    chosen: dict[str, Starter] = {side: SIDES[side] for side in options.sides}
    if baseline := read_baseline(options):
        chosen[BASELINE] = partial(_run_copilotd, checkout=baseline)
    return chosen


def _replay_side(
    side: str, start: Starter, model: Path, events: Sequence[Event], seconds: float
) -> Replay:
    """Play the whole session to one side."""
    print(f"\r{side}", file=sys.stderr)
    with start(model) as (client, pid):
        return asyncio.run(_replay(side, client, pid, events, seconds))


def _replay_recorded(events: Sequence[Event], seconds: float) -> Replay:
    client = RecordedClient()
    play_at_once(events, client)
    return Replay(RECORDED, seconds, [*client.timeline.rows.values()])


async def _replay(
    side: str, client: Client, pid: int, events: Sequence[Event], seconds: float
) -> Replay:
    await client.begin()
    async with measure_footprint(pid) as used:
        lateness = await (play_and_wait if side == UNHURRIED else play)(events, client)
    await client.finish()
    rows, work = [*client.timeline.rows.values()], await client.work()
    background_s = client.background_cpu_s()
    return Replay(side, seconds, rows, lateness, work, used.cpu_s, used.peak_rss, background_s)


@contextmanager
def _run_copilotd(model: Path, checkout: Checkout | None = None, **settings: str) -> RunningSide:
    with run_version(checkout, model, **settings) as daemon:
        run_copilotd(daemon.env, "tune")
        yield CopilotdClient(daemon), daemon.pid


def _run_without_pauses(model: Path) -> AbstractContextManager[tuple[Client, int]]:
    """Copilotd without work in the pauses."""
    return _run_copilotd(model, COMPLETION__ANTICIPATE="false")


@contextmanager
def _run_unhurried(model: Path) -> RunningSide:
    """Copilotd with enough time to write each suggestion to its end before it shows any text."""
    generous = {"COMPLETION__TARGET_MS": "60000", "COMPLETION__LIMIT_MS": "60000"}
    with run_daemon(model, COMPLETION__MAX_TOKENS="64", **generous) as daemon:
        run_copilotd(daemon.env, "tune")
        yield CopilotdClient(daemon), daemon.pid


def _run_llama_server(
    flash_attention: str, *, hang_up: bool = False
) -> Callable[[Path], RunningSide]:
    def start(model: Path) -> RunningSide:
        with run_llama_server(model, count_cores(), flash_attention, N_CTX) as peer:
            yield LlamaVim(peer.url, hang_up=hang_up), peer.pid

    return start


@contextmanager
def _run_llama_cpp(model: Path) -> RunningSide:
    with run_llama_cpp_server(model, count_cores(), N_CTX) as peer:
        yield LlamaCppClient(peer.url, FimPromptBuilder(model)), peer.pid


UNHURRIED = "unhurried"
SIDES: dict[str, Starter] = {
    "copilotd": _run_copilotd,
    "no-pauses": _run_without_pauses,
    UNHURRIED: _run_unhurried,
    "llama-server": contextmanager(_run_llama_server("off")),
    "llama-server-fa": contextmanager(_run_llama_server("on")),
    "llama-server-hangup": contextmanager(_run_llama_server("off", hang_up=True)),
    "llama-server-fa-hangup": contextmanager(_run_llama_server("on", hang_up=True)),
    "llama-cpp": _run_llama_cpp,
}
DEFAULT = "copilotd,llama-server,llama-server-fa,llama-cpp"


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("trace", type=Path, nargs="+", help="workspace recordings, *.w.json")
    note = (
        "; no-pauses: copilotd that does not use pauses to work ahead; "
        "-fa: with flash attention; -hangup: hang up on cancelled requests, which llama.vim does "
        f"not do; {UNHURRIED}: copilotd with as much time as it needs, because the recording waits "
        "for it"
    )
    add_choice(parser, "--sides", SIDES, DEFAULT, note)
    add_baseline(parser)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="play only the first SECONDS of each"
    )
    parser.add_argument("--out", type=Path, help="write a record of each request as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
