"""A chat that keeps a server busy: a long prompt, and a long answer that is read as it arrives."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Event
from typing import Any

import httpx2

FUNCTION = (
    "def handler_{0}(request, response):\n    value_{0} = request.args[{0}]\n    return value\n\n"
)
FUNCTIONS = 46
MAX_TOKENS = 256
START_TIMEOUT_S = 120.0


@dataclass(slots=True)
class ChatAnswer:
    """One answer, as far as it has arrived; times by `time.perf_counter`."""

    requested: float
    first: float = 0.0
    last: float = 0.0
    tokens: int = 0

    @property
    def first_ms(self) -> float:
        """Milliseconds until the first token."""
        return (self.first - self.requested) * 1000


class Conversation:
    """A client of `/v1/chat/completions`; each of its prompts starts with different words."""

    def __init__(self, url: str) -> None:
        # llama-server sometimes closes the connection between two answers.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._http = httpx2.Client(base_url=url, timeout=600, limits=limits)
        self._numbers = count()

    def ask(self, stop: Event | None = None) -> ChatAnswer:
        """A whole answer, or the part that has arrived when `stop` is set."""
        answer = ChatAnswer(time.perf_counter())
        self._read(answer, stop or Event())
        return answer

    @contextmanager
    def keep_busy(self) -> Iterator[list[ChatAnswer]]:
        """Chat in another thread, without a pause, until the block ends. Gives all the answers.

        The block starts with the first token of the first answer.

        Raises: TimeoutError if no token comes; at the end, the error that stopped the chat.
        """
        answers: list[ChatAnswer] = []
        stop = Event()
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(self._ask_repeatedly, answers, stop)
            try:
                _wait_for_token(answers)
                yield answers
            finally:
                stop.set()
            asking.result()

    def _ask_repeatedly(self, answers: list[ChatAnswer], stop: Event) -> None:
        while not stop.is_set():
            answers.append(ChatAnswer(time.perf_counter()))
            self._read(answers[-1], stop)

    def _read(self, answer: ChatAnswer, stop: Event) -> None:
        body = build_chat_body(next(self._numbers))
        with self._http.stream("POST", "/v1/chat/completions", json=body) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if stop.is_set():
                    return
                if line.startswith("data: {") and _has_text(json.loads(line[6:])):
                    answer.last = time.perf_counter()
                    answer.first = answer.first or answer.last
                    answer.tokens += 1


def compute_tokens_per_second(answers: list[ChatAnswer]) -> float | None:
    """From the first token of each answer to its last; None without a second token."""
    seconds = sum(answer.last - answer.first for answer in answers)
    tokens = sum(answer.tokens - 1 for answer in answers if answer.tokens)
    return tokens / seconds if seconds else None


def build_chat_body(number: int) -> dict[str, Any]:
    """A request with a prompt of about 1,500 tokens."""
    code = "".join(FUNCTION.format(f"{number}_{i}") for i in range(FUNCTIONS))
    question = f"File {number}:\n\n{code}\nExplain what each of these functions does, one by one."
    return {
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
    }


def _wait_for_token(answers: list[ChatAnswer]) -> None:
    until = time.perf_counter() + START_TIMEOUT_S
    while not (answers and answers[0].tokens):
        if time.perf_counter() > until:
            raise TimeoutError("the chat does not start")
        time.sleep(0.01)


def _has_text(event: dict[str, Any]) -> bool:
    return any(choice["delta"].get("content") for choice in event["choices"])
