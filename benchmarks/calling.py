"""Function calling: ask each server the questions of the Berkeley leaderboard, with one model.

    pip download --no-deps bfcl-eval
    python -m benchmarks.calling bfcl_eval-*.whl --model MODEL.gguf

The benchmark sends the first questions of each category to /v1/chat/completions with tool_choice
auto and temperature 0. The leaderboard's own checker, which is read from its package, judges the
answers. A call is well formed if it names an existing function and its arguments are a JSON object
that matches the function's schema. For questions that no function answers (irrelevance), the right
answer has no call.

The side `free` is the daemon without any constraint on what the model writes: it continues the same
prompt as plain text, and the calls are parsed from that text. If a server does not answer within a
minute, the benchmark restarts it and counts the answer as wrong.
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

from benchmarks.measure import describe_machine
from benchmarks.options import add_choice, create_parser
from benchmarks.peers import run_llama_cpp_server, run_llama_server
from benchmarks.servers.daemon import run_daemon
from benchmarks.workloads.leaderboard import (
    CATEGORIES,
    Answer,
    Checker,
    Question,
    Verdict,
    load_questions,
)
from copilotd.chat.tool_calls.formats import HERMES
from copilotd.chat.tool_calls.ids import create_call_id
from copilotd.chat.tool_calls.parser import ToolCallParser
from copilotd.engine.worker.llama.context_params import count_cores
from copilotd.prompt.messages import ToolCall

N_CTX = 8192
MAX_TOKENS = 256
TIMEOUT_S = 60.0
NO_ANSWER = "no answer"
RunningServer = Iterator[str]
Ask = Callable[[str, Question], Answer]


def main() -> None:
    """Print the table."""
    options = _parse_options()
    checker = Checker(options.package)
    chosen = {
        name: load_questions(options.package, name, options.limit) for name in options.categories
    }
    rows = []
    for side in options.sides:
        for name, category_questions in chosen.items():
            verdicts = [*_judge_side(side, options.model, category_questions, checker)]
            rows.append(_render_row(side, name, verdicts))
            print(rows[-1], file=sys.stderr)
    print(
        f"\n{describe_machine()}, {options.model.name}, "
        f"{options.limit} questions of each category\n"
    )
    print("| server | category | right | calls | well formed | ms p50 |\n|---|---|---|---|---|---|")
    print("\n".join(rows))


def _judge_side(
    side: str, model: Path, category_questions: Sequence[Question], checker: Checker
) -> Iterator[Verdict]:
    """Judge one answer for each question. Restart a server that does not answer."""
    start, ask = SIDES[side]
    left = deque(category_questions)
    while left:
        with start(model) as url:
            answered = True
            while left and answered:
                question, started = left.popleft(), time.perf_counter()
                answer = _ask_or_time_out(ask, url, question)
                yield checker.judge(question, answer, (time.perf_counter() - started) * 1000)
                answered = answer.error != NO_ANSWER


def _ask_or_time_out(ask: Ask, url: str, question: Question) -> Answer:
    try:
        return ask(url, question)
    except httpx2.TransportError:
        return Answer(error=NO_ANSWER)


def _ask(url: str, question: Question) -> Answer:
    body = {
        "model": "any",
        "messages": question.messages,
        "tools": question.tools,
        "tool_choice": "auto",
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
    }
    response = _post(f"{url}/v1/chat/completions", body)
    if response.status_code != 200:
        return Answer(error=response.text[:200])
    return Answer.from_message(response.json()["choices"][0]["message"])


def _ask_unconstrained(url: str, question: Question) -> Answer:
    """Parse the calls from plain text. A call that starts but does not parse is not well formed."""
    conversation = {"messages": question.messages, "tools": question.tools}
    prompt = _post(f"{url}/apply-template", conversation).json()["prompt"]
    body = {"prompt": prompt, "temperature": 0, "n_predict": MAX_TOKENS}
    text = _post(f"{url}/completion", body).json()["content"]
    names = {tool["function"]["name"] for tool in question.tools}
    reader = ToolCallParser(HERMES, create_call_id, names)
    read = [*reader.push(text), *reader.finish()]
    calls = [(one.name, one.arguments) for one in read if isinstance(one, ToolCall)]
    broken = text.count(HERMES.start_mark) - len(calls)
    return Answer([*calls, *[("", "")] * broken])


def _post(url: str, body: object) -> httpx2.Response:
    return httpx2.post(url, json=body, timeout=TIMEOUT_S)


def _render_row(side: str, category: str, verdicts: Sequence[Verdict]) -> str:
    right = sum(verdict.is_right for verdict in verdicts)
    calls = sum(verdict.calls for verdict in verdicts)
    formed = sum(verdict.well_formed for verdict in verdicts)
    share = f"{100 * formed / calls:.1f} %" if calls else "-"
    ms = median(verdict.ms for verdict in verdicts)
    return f"| {side} | {category} | {right} of {len(verdicts)} | {calls} | {share} | {ms:.0f} |"


@contextmanager
def _run_copilotd(model: Path) -> RunningServer:
    with run_daemon(model) as daemon:
        yield daemon.url


@contextmanager
def _run_llama_server(model: Path) -> RunningServer:
    with run_llama_server(model, count_cores(), "off", N_CTX) as peer:
        yield peer.url


@contextmanager
def _run_llama_cpp(model: Path) -> RunningServer:
    # Only this chat format of llama_cpp.server calls functions, whatever the model's template says.
    with run_llama_cpp_server(
        model, count_cores(), N_CTX, chat_format="chatml-function-calling"
    ) as peer:
        yield peer.url


SIDES: dict[str, tuple[Callable[[Path], AbstractContextManager[str]], Ask]] = {
    "copilotd": (_run_copilotd, _ask),
    "llama-server": (_run_llama_server, _ask),
    "llama-cpp": (_run_llama_cpp, _ask),
    "free": (_run_copilotd, _ask_unconstrained),
}


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("package", type=Path, help="bfcl_eval-*.whl")
    parser.add_argument("--limit", type=int, default=100, help="questions of each category")
    add_choice(parser, "--categories", CATEGORIES)
    add_choice(parser, "--sides", SIDES)
    return parser.parse_args()


if __name__ == "__main__":
    main()
