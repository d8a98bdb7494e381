"""Time the first completion in a known file after a restart and after an idle unload.

    python -m benchmarks.restart --model MODEL.gguf

The benchmark completes a file, restarts the daemon (or waits until it unloads the model), and
completes the same file again: the warm side. The cold side is a file that is new to the daemon
after the same restart. So both sides pay for everything except the KV cache. The first token is
that of a fill-in-the-middle request with a prompt of about `--tokens` tokens. The suggestion is
what an editor would show.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from benchmarks.measure import Row, describe_machine, render_table
from benchmarks.options import create_parser
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon
from benchmarks.workloads.conversation import FUNCTION

FUNCTION_TOKENS = 31
IDLE_S = 2.0

Request = Callable[[Api, "File"], float]
Interruption = Callable[[], str]


def main() -> None:
    """Print the table."""
    options = _parse_options()
    files = _generate_files(options.tokens // FUNCTION_TOKENS)
    rows = []
    # Without this, the daemon would keep the suggestion itself across an unload.
    uncached = {"COMPLETION__CACHE_ENTRIES": "0"}
    with run_daemon(options.model, **uncached) as daemon:
        rows += _measure_rows("restart", lambda: _restart(daemon), files, options.runs)
    with run_daemon(options.model, ENGINE__IDLE_MINUTES=str(IDLE_S / 60), **uncached) as daemon:
        rows += _measure_rows("idle unload", lambda: _wait_for_unload(daemon), files, options.runs)
    print(f"{describe_machine()}, {options.model.name}, about {options.tokens} tokens a file\n")
    print(render_table("known file", "new file", rows))


@dataclass(frozen=True)
class File:
    """A text and the offset of the cursor in it."""

    text: str
    offset: int


def _measure_rows(
    event: str, interrupt: Interruption, files: Iterator[File], runs: int
) -> list[Row]:
    """Compare warm with cold requests.

    `interrupt` restarts or unloads the model between them and returns the URL of the daemon.
    """
    requests: dict[str, Request] = {
        "first token": _time_first_token,
        "suggestion": _time_suggestion,
    }
    return [
        _measure(f"{name} after {event}", request, interrupt, files, runs)
        for name, request in requests.items()
    ]


def _measure(
    name: str, request: Request, interrupt: Interruption, files: Iterator[File], runs: int
) -> Row:
    warm, cold = [], []
    known = next(files)
    request(Api(interrupt()), known)
    for _ in range(runs):
        new = next(files)
        warm.append(request(Api(interrupt()), known))
        cold.append(request(Api(interrupt()), new))
        known = new
    return Row(name, "ms", warm, cold)


def _time_first_token(api: Api, file: File) -> float:
    before, after = file.text[: file.offset], file.text[file.offset :]
    body = {"prompt": before, "suffix": after, "max_tokens": 1}
    return api.generate(body).total_ms


def _time_suggestion(api: Api, file: File) -> float:
    started = time.perf_counter()
    api.request_ghost_text(file.text, file.offset)
    return (time.perf_counter() - started) * 1000


def _restart(daemon: RunningDaemon) -> str:
    run_copilotd(daemon.env, "restart")
    return str(json.loads(run_copilotd(daemon.env, "status", "--json"))["url"])


def _wait_for_unload(daemon: RunningDaemon) -> str:
    client = Api(daemon.url).client
    while client.get("/admin/status").json()["state"]["phase"] != "stopped":
        time.sleep(IDLE_S / 10)
    return daemon.url


def _generate_files(functions: int) -> Iterator[File]:
    """Files with different beginnings; the cursor is in the last third of each."""
    for number in count():
        body = [FUNCTION.format(f"{number}_{i}") for i in range(functions)]
        cursor = f"def total_{number}(values):\n    result = "
        before = f"# File {number}\n" + "".join(body[: functions * 2 // 3]) + cursor
        yield File(before + "\n\n" + "".join(body[functions * 2 // 3 :]), len(before))


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("--runs", type=int, default=6, help="repetitions (default 6)")
    parser.add_argument("--tokens", type=int, default=1900, help="tokens of a file (default 1900)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
