"""copilotd, as a plain LSP client uses it: it asks, gives up, and draws what comes."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx2

from benchmarks.recording.buffer import Buffer, Change, characters, units
from benchmarks.recording.player import Client, Work
from benchmarks.recording.timeline import rest_behind
from benchmarks.recording.trace import Asked, Ended
from benchmarks.servers.served import Served
from tests.lsp.raw_client import INLINE, RawClient, completion_params, content_change

LAST = "copilotd.lastCompletion"
LANGUAGES = {
    ".c": "c",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".json": "json",
    ".md": "markdown",
    ".mjs": "javascript",
    ".py": "python",
    ".rs": "rust",
    ".sh": "shellscript",
    ".ts": "typescript",
    ".tsx": "typescriptreact",
    ".yml": "yaml",
}


class CopilotdClient(Client):
    """One editor, connected to the daemon's socket."""

    def __init__(self, daemon: Served) -> None:
        super().__init__()
        self._daemon = daemon
        self._pending: dict[int, int] = {}
        self._answers: set[asyncio.Future[dict[str, Any]]] = set()
        self._shown = self._wasted = self._ahead = Work()
        self._seen = Work()
        self._sampling: asyncio.Queue[str] = asyncio.Queue()

    async def begin(self) -> None:
        """Connect; let the model write a few words."""
        self._http = httpx2.AsyncClient(base_url=self._daemon.url, timeout=60)
        self._editor = await RawClient.connect(self._daemon.socket)
        await self._editor.initialize("benchmark")
        body = {"prompt": "for word in words:\n", "max_tokens": 8}
        (await self._http.post("/v1/completions", json=body)).raise_for_status()
        self._seen = await self._total()
        self._sampler = asyncio.create_task(self._sample())

    def opened(self, buffer: Buffer) -> None:
        """`didOpen`."""
        language = LANGUAGES.get(PurePosixPath(buffer.path).suffix, "plaintext")
        self._editor.open_file(characters(buffer.text), _uri(buffer), language)

    def focused(self, buffer: Buffer) -> None:
        """`didFocus`."""
        parameters = {"textDocument": {"uri": _uri(buffer)}}
        self._editor.notify("textDocument/didFocus", parameters)

    def edited(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """`didChange`."""
        edits = [content_change(change.start, change.end, change.text) for change in changes]
        self._editor.change_file(*edits, version=buffer.version, uri=_uri(buffer))

    def closed(self, buffer: Buffer) -> None:
        """`didClose`."""
        parameters = {"textDocument": {"uri": _uri(buffer)}}
        self._editor.notify("textDocument/didClose", parameters)

    def asked(self, buffer: Buffer, asked: Asked) -> None:
        """`inlineCompletion`; what was done since the last answer was done ahead of need."""
        self._sampling.put_nowait("ahead")
        position = buffer.position(buffer.cursor)
        id, answer = self._editor.send_request(
            INLINE, completion_params(*position, uri=_uri(buffer))
        )
        self._pending[asked.request] = id
        self._answers.add(answer)
        rest = rest_behind(buffer)
        answer.add_done_callback(partial(self._answered, asked, position[1], rest))

    def ended(self, ended: Ended) -> None:
        """`$/cancelRequest`, if there is no answer yet."""
        id = self._pending.get(ended.request)
        if ended.is_cancelled and id is not None:
            self._editor.notify("$/cancelRequest", {"id": id})

    async def settled(self) -> None:
        """Wait until every request is answered."""
        while self._answers:
            await asyncio.wait(self._answers)

    async def finish(self) -> None:
        """Leave as an editor does."""
        self._sampling.put_nowait("ahead")
        await self._sampling.join()
        self._sampler.cancel()
        await self._editor.shut_down()
        await self._http.aclose()

    async def work(self) -> tuple[Work, Work]:
        """By the daemon's counters, read at each request and at each answer."""
        return self._shown + self._wasted + self._ahead, self._wasted

    def _answered(
        self, asked: Asked, character: int, rest: str, answer: asyncio.Future[dict[str, Any]]
    ) -> None:
        del self._pending[asked.request]
        self._answers.discard(answer)
        result = answer.result().get("result") or {}
        for item in result.get("items", [])[:1]:
            start, end = (item["range"][side]["character"] for side in ("start", "end"))
            text = units(item["insertText"])[character - start :]
            self.board.show(asked.request, text, rest[end - character :])
            self._why(asked.request)
        in_time = "error" not in answer.result() and self.board.now() <= asked.deadline
        self._sampling.put_nowait("shown" if in_time else "wasted")

    def _why(self, request: int) -> None:
        """Ask what the answer that just came has cost."""
        _, told = self._editor.send_request("workspace/executeCommand", {"command": LAST})
        told.add_done_callback(partial(self._explained, request))

    def _explained(self, request: int, told: asyncio.Future[dict[str, Any]]) -> None:
        explanation = told.result()["result"]["explanation"]
        is_new = explanation["source"] == "engine"
        evaluated = explanation["prompt_tokens"] - explanation["cached_tokens"]
        evaluated += explanation["read_tokens"]
        self.board.cost(request, evaluated if is_new else 0)

    async def _sample(self) -> None:
        """Book what was done since the last sample."""
        while True:
            book = f"_{await self._sampling.get()}"
            total = await self._total()
            setattr(self, book, getattr(self, book) + (total - self._seen))
            self._seen = total
            self._sampling.task_done()

    async def _total(self) -> Work:
        engine = (await self._http.get("/admin/status")).json()["engine"]
        evaluated = engine["prompt_tokens"] - engine["cached_tokens"]
        return Work(evaluated, engine["completion_tokens"])


def _uri(buffer: Buffer) -> str:
    return f"file:///w/{quote(buffer.path)}"
