"""Function calling: questions of the Berkeley leaderboard, the same model behind each server.

    pip download --no-deps bfcl-eval
    python -m benchmarks.calling bfcl_eval-*.whl --model MODEL.gguf

The first questions of each category are asked at /v1/chat/completions with tool_choice auto and
temperature 0, and the answers judged by the leaderboard's own checker, which is read out of its
package. A call is well
formed if it names a function that there is and its arguments are a JSON object that keeps to the
function's schema; of questions that no function answers (irrelevance) no call at all is right.

The side `free` is the daemon again, with nothing that constrains what the model writes: the same
prompt is continued as plain text, and calls are read out of that. A server that has no answer
within a minute is started again, and its answer is wrong.
"""

import argparse
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

import httpx2

from benchmarks.measure import machine
from benchmarks.peers import llama_cpp_server, llama_server
from benchmarks.servers.served import served
from benchmarks.servers.sides import sides_of
from benchmarks.workloads.leaderboard import (
    CATEGORIES,
    Answer,
    Checker,
    Question,
    Verdict,
    questions,
)
from copilotd.chat.tool_calls.formats import HERMES
from copilotd.chat.tool_calls.ids import create_call_id
from copilotd.chat.tool_calls.parser import ToolCallParser
from copilotd.engine.worker.llama.context_params import count_cores
from copilotd.prompt.messages import ToolCall

N_CTX = 8192
MOST_TOKENS = 256
ANSWERED_WITHIN_S = 60.0
SILENT = "no answer"
Started = Iterator[str]
Ask = Callable[[str, Question], Answer]


def main() -> None:
    """Print the table."""
    options = _options()
    checker = Checker(options.package)
    asked = {name: questions(options.package, name, options.limit) for name in options.categories}
    rows = []
    for side in options.sides:
        for name, some in asked.items():
            verdicts = [*_verdicts(side, options.model, some, checker)]
            rows.append(_row(side, name, verdicts))
            print(rows[-1], file=sys.stderr)
    print(f"\n{machine()}, {options.model.name}, {options.limit} questions of each category\n")
    print("| server | category | right | calls | well formed | ms p50 |\n|---|---|---|---|---|---|")
    print("\n".join(rows))


def _verdicts(
    side: str, model: Path, some: Sequence[Question], checker: Checker
) -> Iterator[Verdict]:
    """One for each question; a server that is silent is started again."""
    start, ask = SIDES[side]
    left = deque(some)
    while left:
        with start(model) as url:
            answered = True
            while left and answered:
                question, started = left.popleft(), time.perf_counter()
                answer = _answered(ask, url, question)
                yield checker.judge(question, answer, (time.perf_counter() - started) * 1000)
                answered = answer.error != SILENT


def _answered(ask: Ask, url: str, question: Question) -> Answer:
    try:
        return ask(url, question)
    except httpx2.TransportError:
        return Answer(error=SILENT)


def _asked(url: str, question: Question) -> Answer:
    body = {
        "model": "any",
        "messages": question.messages,
        "tools": question.tools,
        "tool_choice": "auto",
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
    }
    response = _post(f"{url}/v1/chat/completions", body)
    if response.status_code != 200:
        return Answer(error=response.text[:200])
    return Answer.of(response.json()["choices"][0]["message"])


def _asked_freely(url: str, question: Question) -> Answer:
    """What is opened like a call and is none counts as one that is not well formed."""
    conversation = {"messages": question.messages, "tools": question.tools}
    prompt = _post(f"{url}/apply-template", conversation).json()["prompt"]
    body = {"prompt": prompt, "temperature": 0, "n_predict": MOST_TOKENS}
    text = _post(f"{url}/completion", body).json()["content"]
    names = {tool["function"]["name"] for tool in question.tools}
    reader = ToolCallParser(HERMES, create_call_id, names)
    read = [*reader.push(text), *reader.finish()]
    calls = [(one.name, one.arguments) for one in read if isinstance(one, ToolCall)]
    broken = text.count(HERMES.start_mark) - len(calls)
    return Answer([*calls, *[("", "")] * broken])


def _post(url: str, body: object) -> httpx2.Response:
    return httpx2.post(url, json=body, timeout=ANSWERED_WITHIN_S)


def _row(side: str, category: str, verdicts: Sequence[Verdict]) -> str:
    right = sum(verdict.is_right for verdict in verdicts)
    calls = sum(verdict.calls for verdict in verdicts)
    formed = sum(verdict.well_formed for verdict in verdicts)
    share = f"{100 * formed / calls:.1f} %" if calls else "-"
    ms = median(verdict.ms for verdict in verdicts)
    return f"| {side} | {category} | {right} of {len(verdicts)} | {calls} | {share} | {ms:.0f} |"


@contextmanager
def _copilotd(model: Path) -> Started:
    with served(model) as daemon:
        yield daemon.url


@contextmanager
def _llama_server(model: Path) -> Started:
    with llama_server(model, count_cores(), "off", N_CTX) as peer:
        yield peer.url


@contextmanager
def _llama_cpp(model: Path) -> Started:
    # The one of its formats that calls functions, whatever the model's template says.
    with llama_cpp_server(
        model, count_cores(), N_CTX, chat_format="chatml-function-calling"
    ) as peer:
        yield peer.url


SIDES: dict[str, tuple[Callable[[Path], AbstractContextManager[str]], Ask]] = {
    "copilotd": (_copilotd, _asked),
    "llama-server": (_llama_server, _asked),
    "llama-cpp": (_llama_cpp, _asked),
    "free": (_copilotd, _asked_freely),
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", type=Path, help="bfcl_eval-*.whl")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--limit", type=int, default=100, help="questions of each category")
    parser.add_argument(
        "--categories",
        type=sides_of(CATEGORIES),
        default=list(CATEGORIES),
        help=f"of {', '.join(CATEGORIES)}",
    )
    parser.add_argument(
        "--sides", type=sides_of(SIDES), default=list(SIDES), help=f"of {', '.join(SIDES)}"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
