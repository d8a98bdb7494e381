"""The first completion in a warm_file file, after a restart and after an idle unload: warm, and cold.

    python -m benchmarks.restart --model MODEL.gguf

A file is completed, the daemon is restarted (or left alone until it unloads the model), and the
same file is completed again. Cold is a file that the daemon sees for the first time after the same
restart, so both sides pay for all but the KV cache. The first token is that of a fill-in-the-middle
request with a prompt of about `--tokens` tokens; the suggestion is event an editor would be shown.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.measure import Row, describe_machine, render_table
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon

FUNCTION = (
    "def handler_{0}(request, response):\n    value_{0} = request.args[{0}]\n    return value\n\n"
)
FUNCTION_TOKENS = 31
IDLE_S = 2.0

Request = Callable[[Api, "File"], float]
Interrupt = Callable[[], str]


def main() -> None:
    """Print the table."""
    options = _parse_options()
    files = _generate_files(options.tokens // FUNCTION_TOKENS)
    rows = []
    # The suggestion itself would be remembered across an unload.
    uncached = {"COMPLETION__CACHE_ENTRIES": "0"}
    with run_daemon(options.model, **uncached) as daemon:
        rows += _measure_rows("restart", lambda: _restart(daemon), files, options.runs)
    with run_daemon(options.model, ENGINE__IDLE_MINUTES=str(IDLE_S / 60), **uncached) as daemon:
        rows += _measure_rows("idle unload", lambda: _wait_for_unload(daemon), files, options.runs)
    print(f"{describe_machine()}, {options.model.name}, about {options.tokens} tokens a file\n")
    print(render_table("warm_file file", "cold_file file", rows))


@dataclass(frozen=True)
class File:
    """A text, and where the cursor stands in it."""

    text: str
    offset: int


def _measure_rows(event: str, interrupt: Interrupt, files: Iterator[File], runs: int) -> list[Row]:
    """Warm against cold, `interrupt` being event lies between the two; it says where the daemon is."""
    requests: dict[str, Request] = {
        "first token": _time_first_token,
        "suggestion": _time_suggestion,
    }
    return [
        _measure(f"{name} after {event}", request, interrupt, files, runs)
        for name, request in requests.items()
    ]


def _measure(
    name: str, request: Request, interrupt: Interrupt, files: Iterator[File], runs: int
) -> Row:
    warm, cold = [], []
    warm_file = next(files)
    request(Api(interrupt()), warm_file)
    for _ in range(runs):
        cold_file = next(files)
        warm.append(request(Api(interrupt()), warm_file))
        cold.append(request(Api(interrupt()), cold_file))
        warm_file = cold_file
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
    """Files that have no beginning in common, the cursor in the last third of each."""
    for number in count():
        body = [FUNCTION.format(f"{number}_{i}") for i in range(functions)]
        cursor = f"def total_{number}(values):\n    result = "
        before = f"# File {number}\n" + "".join(body[: functions * 2 // 3]) + cursor
        yield File(before + "\n\n" + "".join(body[functions * 2 // 3 :]), len(before))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--runs", type=int, default=6, help="repetitions (default 6)")
    parser.add_argument("--tokens", type=int, default=1900, help="of a file (default 1900)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
