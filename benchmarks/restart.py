"""The first completion in a known file, after a restart and after an idle unload: warm, and cold.

    python -m benchmarks.restart --model MODEL.gguf

A file is completed, the daemon is restarted (or left alone until it unloads the model), and the
same file is completed again. Cold is a file that the daemon sees for the first time after the same
restart, so both sides pay for all but the KV cache. The first token is that of a fill-in-the-middle
request with a prompt of about `--tokens` tokens; the suggestion is what an editor would be shown.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.measure import Row, machine, table
from benchmarks.servers.api import Api
from benchmarks.servers.served import Served, copilotd, served

FUNCTION = (
    "def handler_{0}(request, response):\n    value_{0} = request.args[{0}]\n    return value\n\n"
)
FUNCTION_TOKENS = 31
IDLE_S = 2.0

Ask = Callable[[Api, "File"], float]
Away = Callable[[], str]


def main() -> None:
    """Print the table."""
    options = _options()
    files = _files(options.tokens // FUNCTION_TOKENS)
    rows = []
    # The suggestion itself would be remembered across an unload.
    uncached = {"COMPLETION__CACHE_ENTRIES": "0"}
    with served(options.model, **uncached) as daemon:
        rows += _rows("restart", lambda: _restarted(daemon), files, options.runs)
    with served(options.model, ENGINE__IDLE_MINUTES=str(IDLE_S / 60), **uncached) as daemon:
        rows += _rows("idle unload", lambda: _unloaded(daemon), files, options.runs)
    print(f"{machine()}, {options.model.name}, about {options.tokens} tokens a file\n")
    print(table("known file", "new file", rows))


@dataclass(frozen=True)
class File:
    """A text, and where the cursor stands in it."""

    text: str
    offset: int


def _rows(what: str, away: Away, files: Iterator[File], runs: int) -> list[Row]:
    """Warm against cold, `away` being what lies between the two; it says where the daemon is."""
    asks: dict[str, Ask] = {"first token": _first_token, "suggestion": _suggestion}
    return [_row(f"{name} after {what}", ask, away, files, runs) for name, ask in asks.items()]


def _row(name: str, ask: Ask, away: Away, files: Iterator[File], runs: int) -> Row:
    warm, cold = [], []
    known = next(files)
    ask(Api(away()), known)
    for _ in range(runs):
        new = next(files)
        warm.append(ask(Api(away()), known))
        cold.append(ask(Api(away()), new))
        known = new
    return Row(name, "ms", warm, cold)


def _first_token(api: Api, file: File) -> float:
    before, after = file.text[: file.offset], file.text[file.offset :]
    body = {"prompt": before, "suffix": after, "max_tokens": 1}
    return api.generate(body).total_ms


def _suggestion(api: Api, file: File) -> float:
    started = time.perf_counter()
    api.ghost_text(file.text, file.offset)
    return (time.perf_counter() - started) * 1000


def _restarted(daemon: Served) -> str:
    copilotd(daemon.env, "restart")
    return str(json.loads(copilotd(daemon.env, "status", "--json"))["url"])


def _unloaded(daemon: Served) -> str:
    client = Api(daemon.url).client
    while client.get("/admin/status").json()["state"]["phase"] != "stopped":
        time.sleep(IDLE_S / 10)
    return daemon.url


def _files(functions: int) -> Iterator[File]:
    """Files that have no beginning in common, the cursor in the last third of each."""
    for number in count():
        body = [FUNCTION.format(f"{number}_{i}") for i in range(functions)]
        cursor = f"def total_{number}(values):\n    result = "
        before = f"# File {number}\n" + "".join(body[: functions * 2 // 3]) + cursor
        yield File(before + "\n\n" + "".join(body[functions * 2 // 3 :]), len(before))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--runs", type=int, default=6, help="repetitions (default 6)")
    parser.add_argument("--tokens", type=int, default=1900, help="of a file (default 1900)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
