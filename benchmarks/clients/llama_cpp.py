"""`llama_cpp.server` with a FIM prompt per completion; a new request cancels the last one."""

import asyncio
import json
from pathlib import Path

import httpx2
from llama_cpp import Llama, llama_cpp

from benchmarks.recording.buffer import Buffer, from_utf16_units, to_utf16_units
from benchmarks.recording.player import Client
from benchmarks.recording.timeline import find_rest_of_line
from benchmarks.recording.trace import EndEvent, RequestEvent

PREFIX_LINES, SUFFIX_LINES = 256, 64
NEW_TOKENS = 64


class FimPromptBuilder:
    """Builds prompts as text; the server reads the names of control tokens as these tokens.

    The server's own `suffix` parameter puts token 0 where the markers belong.
    """

    def __init__(self, model: Path) -> None:
        llama = Llama(str(model), vocab_only=True, verbose=False)
        vocab = llama_cpp.llama_model_get_vocab(llama.model)
        self._prefix, self._suffix, self._middle = (
            llama_cpp.llama_vocab_get_text(vocab, token(vocab)).decode()
            for token in (
                llama_cpp.llama_vocab_fim_pre,
                llama_cpp.llama_vocab_fim_suf,
                llama_cpp.llama_vocab_fim_mid,
            )
        )

    def build_prompt(self, text: str, cursor: int) -> str:
        """The prompt for a cursor in `text`."""
        before, after = select_lines_around(text, cursor)
        return "".join([self._prefix, before, self._suffix, after, self._middle])


def select_lines_around(text: str, cursor: int) -> tuple[str, str]:
    """As many lines before and after `cursor` as llama.vim sends."""
    before = text[:cursor].split("\n")[-PREFIX_LINES - 1 :]
    after = text[cursor:].split("\n")[: SUFFIX_LINES + 1]
    return "\n".join(before), "\n".join(after)


def build_completion_body(prompt: str) -> dict[str, object]:
    """A greedy, streamed request to the end of the line."""
    return {
        "prompt": prompt,
        "max_tokens": NEW_TOKENS,
        "temperature": 0,
        "stop": ["\n"],
        "stream": True,
    }


class LlamaCppClient(Client):
    """Runs at most one request. It stops at the end of the line, which favours the server."""

    def __init__(self, url: str, fim: FimPromptBuilder) -> None:
        super().__init__()
        self._http = httpx2.AsyncClient(base_url=url, timeout=600)
        self._fim = fim
        self._job: asyncio.Task[None] | None = None
        self._request = 0

    async def begin(self) -> None:
        """Let the model write a few words."""
        await self._complete_line("for word in words:")

    def on_request(self, buffer: Buffer, event: RequestEvent) -> None:
        """Replace the request before."""
        self._hang_up()
        self._request = event.request
        prompt = self._fim.build_prompt(buffer.text, buffer.cursor)
        self._job = asyncio.create_task(
            self._answer(event.request, prompt, find_rest_of_line(buffer))
        )

    def on_request_end(self, event: EndEvent) -> None:
        """Hang up if the editor cancelled."""
        if event.is_cancelled and event.request == self._request:
            self._hang_up()

    async def finish(self) -> None:
        """Hang up."""
        self._hang_up()
        await self._http.aclose()

    async def _answer(self, request: int, prompt: str, rest: str) -> None:
        self.timeline.show(request, await self._complete_line(from_utf16_units(prompt)), rest)

    async def _complete_line(self, prompt: str) -> str:
        text = ""
        body = build_completion_body(prompt)
        async with self._http.stream("POST", "/v1/completions", json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    text += json.loads(line[6:])["choices"][0]["text"]
        return to_utf16_units(text)

    def _hang_up(self) -> None:
        if self._job is not None:
            self._job.cancel()
