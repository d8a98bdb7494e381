"""A chat that keeps a server busy: a long prompt, and a long answer that is read as it comes."""

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
MOST_TOKENS = 256
BEGINS_WITHIN_S = 120.0


@dataclass(slots=True)
class Talk:
    """One answer, as far as it has come; times by `time.perf_counter`."""

    asked: float
    first: float = 0.0
    last: float = 0.0
    tokens: int = 0

    @property
    def first_ms(self) -> float:
        """Until the first token came."""
        return (self.first - self.asked) * 1000


class Conversation:
    """One client of `/v1/chat/completions`; no two of its prompts begin with the same words."""

    def __init__(self, url: str) -> None:
        # llama-server hangs up between two answers now and then.
        alone = httpx2.Limits(max_keepalive_connections=0)
        self._http = httpx2.Client(base_url=url, timeout=600, limits=alone)
        self._numbers = count()

    def talk(self, over: Event | None = None) -> Talk:
        """A whole answer, or as much as has come when `over` is set."""
        talk = Talk(time.perf_counter())
        self._read(talk, over or Event())
        return talk

    @contextmanager
    def going_on(self) -> Iterator[list[Talk]]:
        """Talk in another thread, without a pause, until the block ends; gives all the talks.

        The block begins with the first token of the first.

        Raises: TimeoutError where that does not come; at the end, whatever ended the talking.
        """
        talks: list[Talk] = []
        over = Event()
        with ThreadPoolExecutor(1) as pool:
            talking = pool.submit(self._go_on, talks, over)
            try:
                _wait_for_token(talks)
                yield talks
            finally:
                over.set()
            talking.result()

    def _go_on(self, talks: list[Talk], over: Event) -> None:
        while not over.is_set():
            talks.append(Talk(time.perf_counter()))
            self._read(talks[-1], over)

    def _read(self, talk: Talk, over: Event) -> None:
        body = chat_body(next(self._numbers))
        with self._http.stream("POST", "/v1/chat/completions", json=body) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if over.is_set():
                    return
                if line.startswith("data: {") and _has_text(json.loads(line[6:])):
                    talk.last = time.perf_counter()
                    talk.first = talk.first or talk.last
                    talk.tokens += 1


def tokens_per_second(talks: list[Talk]) -> float | None:
    """From the first tokens of the answers to their last; None where none came."""
    seconds = sum(talk.last - talk.first for talk in talks)
    tokens = sum(talk.tokens - 1 for talk in talks if talk.tokens)
    return tokens / seconds if seconds else None


def chat_body(number: int) -> dict[str, Any]:
    """A request with a prompt of about 1,500 tokens."""
    code = "".join(FUNCTION.format(f"{number}_{i}") for i in range(FUNCTIONS))
    question = f"File {number}:\n\n{code}\nExplain what each of these functions does, one by one."
    return {
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
    }


def _wait_for_token(talks: list[Talk]) -> None:
    until = time.perf_counter() + BEGINS_WITHIN_S
    while not (talks and talks[0].tokens):
        if time.perf_counter() > until:
            raise TimeoutError("the chat does not begin")
        time.sleep(0.01)


def _has_text(event: dict[str, Any]) -> bool:
    return any(choice["delta"].get("content") for choice in event["choices"])
