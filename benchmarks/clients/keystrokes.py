"""The sides that answer a keystroke: each server, and llama-cpp-python in this process."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from benchmarks.clients.llama_cpp import (
    NEW_TOKENS,
    FimPromptBuilder,
    build_completion_body,
    select_lines_around,
)
from benchmarks.llama_vim.infill import build_context, build_infill_body
from benchmarks.recording.buffer import Buffer
from benchmarks.servers.api import Api
from benchmarks.servers.raw import RawLlama
from benchmarks.workloads.functions import Keystroke
from copilotd.engine.tokens.common_prefix import common_prefix_length

FIRST_MS = 250


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggestion: prompt tokens, evaluated tokens, and ms to its first token and to its end.

    A value that a side does not report is None. `is_cached` means that the suggestion was there
    without the model.
    """

    text: str
    prompt: int | None
    evaluated: int | None
    first_ms: float | None
    total_ms: float
    is_cached: bool = False


class KeystrokeClient(Protocol):
    """A side of the comparison."""

    def suggest(self, key: Keystroke) -> Suggestion:
        """The suggestion after a key, requested without delay."""


class Copilotd:
    """The daemon; `explanation` reports each completion, and this client measures `total_ms`."""

    def __init__(self, url: str) -> None:
        self._api = Api(url)

    def suggest(self, key: Keystroke) -> Suggestion:
        """Use the whole pipeline of the daemon."""
        started = time.perf_counter()
        outcome = self._api.request_ghost_text(key.before + key.after, len(key.before))
        total_ms = (time.perf_counter() - started) * 1000
        explanation = outcome["explanation"]
        text = (outcome["completion"] or {}).get("text", "")
        if explanation["source"] != "engine":
            return Suggestion(text, None, 0, total_ms, total_ms, is_cached=True)
        prompt, cached = explanation["prompt_tokens"], explanation["cached_tokens"]
        return Suggestion(
            text, prompt, prompt - cached, explanation["first_token_ms"] or None, total_ms
        )


class LlamaServer:
    """`/infill` with the requests of llama.vim, but streamed, to see the first token."""

    def __init__(self, url: str, patience_s: float = 600) -> None:
        self._http = httpx2.Client(base_url=url, timeout=patience_s)

    def suggest(self, key: Keystroke) -> Suggestion:
        """Request without llama.vim's own cache of answers.

        Raises: httpx2.ReadTimeout after `patience_s` without a token.
        """
        buffer = Buffer("", key.before + key.after)
        body = build_infill_body(build_context(buffer, len(key.before)), [], FIRST_MS)
        del body["response_fields"]
        stream = Stream(self._http, "/infill", body | {"stream": True})
        text = "".join(stream.pieces(lambda event: event["content"]))
        prompt, evaluated = stream.last["tokens_evaluated"], stream.last["timings"]["prompt_n"]
        return Suggestion(text, prompt, evaluated, stream.first_ms, stream.total_ms)


class LlamaCppServer:
    """`llama_cpp.server` with a FIM prompt as text; it does not report what it evaluates."""

    def __init__(self, url: str, fim: FimPromptBuilder) -> None:
        self._http = httpx2.Client(base_url=url, timeout=600)
        self._fim = fim

    def suggest(self, key: Keystroke) -> Suggestion:
        """Decode to the end of the line."""
        body = build_completion_body(
            self._fim.build_prompt(key.before + key.after, len(key.before))
        )
        stream = Stream(self._http, "/v1/completions", body)
        text = "".join(stream.pieces(lambda event: event["choices"][0]["text"]))
        return Suggestion(text, None, None, stream.first_ms, stream.total_ms)


class LlamaCppPython:
    """`Llama` in this process, which keeps the longest common prefix of the last prompt."""

    def __init__(self, raw: RawLlama) -> None:
        self._raw = raw

    def suggest(self, key: Keystroke) -> Suggestion:
        """Decode to the end of the first line that is not blank."""
        before, after = select_lines_around(key.before + key.after, len(key.before))
        prompt = self._raw.build_fim_prompt(before, after)
        cached = self._raw.llama.input_ids[: self._raw.llama.n_tokens].tolist()
        evaluated = len(prompt) - common_prefix_length(cached, prompt[:-1])
        timed = self._raw.generate(prompt, NEW_TOKENS, to_line=True)
        return Suggestion(
            timed.text, len(prompt), evaluated, timed.first_ms or None, timed.total_ms
        )


class Stream:
    """A streamed answer and its times."""

    def __init__(self, http: httpx2.Client, path: str, body: dict[str, object]) -> None:
        self._started = time.perf_counter()
        self._request = http.stream("POST", path, json=body)
        self.last: dict[str, Any] = {}
        self.first_ms: float | None = None
        self.total_ms = 0.0

    def pieces(self, text_of: Callable[[dict[str, Any]], str]) -> Iterator[str]:
        """The texts of the events; `text_of` extracts the text of an event."""
        with self._request as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    self.last = json.loads(line[6:])
                    text = text_of(self.last)
                    if text and self.first_ms is None:
                        self.first_ms = self._ms()
                    yield text
        self.total_ms = self._ms()

    def _ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000
