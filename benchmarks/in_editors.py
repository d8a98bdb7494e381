"""Type a programmer's recorded session into the real editors: does text appear, does it flicker?

    python -m benchmarks.in_editors TRACE.w.json --model MODEL.gguf

Edits, changes of the file and movements of the cursor come at the programmer's own times. Text that
the programmer typed at the cursor is typed as a key. The benchmark looks at every frame of the
screen: a suggestion whose own characters are the next keys should stay or grow.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from benchmarks.clients.neovim import NeovimClient
from benchmarks.clients.vscode import VsCodeClient
from benchmarks.measure import describe_machine
from benchmarks.options import add_choice, create_parser
from benchmarks.recording.flicker import Flicker, count_flicker
from benchmarks.recording.player import play
from benchmarks.recording.trace import Event, RequestEvent, read_trace
from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon

EDITORS: dict[str, type[NeovimClient] | type[VsCodeClient]] = {
    "neovim": NeovimClient,
    "vscode": VsCodeClient,
}


def main() -> None:
    """Print the table."""
    options = _parse_options()
    events = read_trace(options.trace, options.seconds)
    with run_daemon(options.model) as daemon:
        run_copilotd(daemon.env, "tune")
        rows = [
            (name, asyncio.run(_type_session(name, daemon, events))) for name in options.editors
        ]
    requests = sum(isinstance(event, RequestEvent) for event in events)
    print(
        f"\n{describe_machine()}, {options.model.name}, "
        f"{events[-1].time:.0f} s of {options.trace.name},"
    )
    print(f"in which the programmer's own editor sent {requests} requests\n")
    names = [field.name for field in fields(Flicker)]
    print(f"| editor | {' | '.join(names)} |")
    print(f"|{'---|' * (len(names) + 1)}")
    for name, counts in rows:
        print(f"| {name} | {' | '.join(map(str, astuple(counts)))} |")


async def _type_session(name: str, daemon: RunningDaemon, events: Sequence[Event]) -> Flicker:
    print(f"\r{name}", file=sys.stderr)
    client = EDITORS[name](daemon)
    await client.begin()
    late = await play(events, client)
    await client.finish()
    print(f"\r{name}: at most {late:.2f} s late", file=sys.stderr)
    return count_flicker(client.frames())


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("trace", type=Path, help="a workspace recording, *.w.json")
    add_choice(parser, "--editors", EDITORS)
    parser.add_argument(
        "--seconds", type=float, default=150.0, help="how many seconds of the recording to play"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
