"""copilotd as a plain LSP client uses it: it requests, cancels, and shows each answer."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2

from benchmarks.recording.buffer import Buffer, Change, from_utf16_units, to_utf16_units
from benchmarks.recording.player import Client, Work
from benchmarks.recording.timeline import find_rest_of_line
from benchmarks.recording.trace import EndEvent, RequestEvent
from benchmarks.servers.daemon import RunningDaemon
from benchmarks.servers.footprint import CpuClock
from benchmarks.workloads.languages import find_language
from tests.lsp.raw_client import INLINE, RawClient, completion_params, content_change

LAST = "copilotd.lastCompletion"


class CopilotdClient(Client):
    """One editor that is connected to the daemon's socket."""

    def __init__(self, daemon: RunningDaemon) -> None:
        super().__init__()
        self._daemon = daemon
        self._pending: dict[int, int] = {}
        self._answers: set[asyncio.Future[dict[str, Any]]] = set()
        self._shown = self._wasted = self._ahead = Work()
        self._last_total = Work()
        self._last_cpu_s = self._background_cpu_s = 0.0
        self._books: asyncio.Queue[str] = asyncio.Queue()

    async def begin(self) -> None:
        """Connect, and let the model write a few words."""
        self._http = httpx2.AsyncClient(base_url=self._daemon.url, timeout=60)
        self._cpu = CpuClock(self._daemon.pid)
        self._editor = await RawClient.connect(self._daemon.socket)
        await self._editor.initialize("benchmark")
        body = {"prompt": "for word in words:\n", "max_tokens": 8}
        (await self._http.post("/v1/completions", json=body)).raise_for_status()
        self._last_total, self._last_cpu_s = await self._read_total(), self._cpu.read_s()
        self._sampler = asyncio.create_task(self._book_work())

    def on_open(self, buffer: Buffer) -> None:
        """Send `didOpen`."""
        text, language = from_utf16_units(buffer.text), find_language(buffer.path)
        self._editor.open_file(text, _build_uri(buffer), language)

    def on_focus(self, buffer: Buffer) -> None:
        """Send `didFocus`."""
        parameters = {"textDocument": {"uri": _build_uri(buffer)}}
        self._editor.notify("textDocument/didFocus", parameters)

    def on_edit(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """Send `didChange`."""
        edits = [content_change(change.start, change.end, change.text) for change in changes]
        self._editor.change_file(*edits, version=buffer.version, uri=_build_uri(buffer))

    def on_close(self, buffer: Buffer) -> None:
        """Send `didClose`."""
        parameters = {"textDocument": {"uri": _build_uri(buffer)}}
        self._editor.notify("textDocument/didClose", parameters)

    def on_request(self, buffer: Buffer, event: RequestEvent) -> None:
        """Send `inlineCompletion`. Work since the last answer was done ahead of this request."""
        self._books.put_nowait("ahead")
        self._book_cpu_time(is_background=not self._pending)
        position = buffer.position(buffer.cursor)
        id, answer = self._editor.send_request(
            INLINE, completion_params(*position, uri=_build_uri(buffer))
        )
        self._pending[event.request] = id
        self._answers.add(answer)
        rest = find_rest_of_line(buffer)
        answer.add_done_callback(partial(self._handle_answer, event, position[1], rest))

    def on_request_end(self, event: EndEvent) -> None:
        """Send `$/cancelRequest`, if there is no answer yet."""
        id = self._pending.get(event.request)
        if event.is_cancelled and id is not None:
            self._editor.notify("$/cancelRequest", {"id": id})

    async def wait_for_answers(self) -> None:
        """Wait until every request is answered."""
        while self._answers:
            await asyncio.wait(self._answers)

    async def finish(self) -> None:
        """Disconnect as an editor does."""
        self._book_cpu_time(is_background=not self._pending)
        self._books.put_nowait("ahead")
        await self._books.join()
        self._sampler.cancel()
        await self._editor.shut_down()
        await self._http.aclose()

    async def work(self) -> tuple[Work, Work]:
        """The work by the daemon's counters, read at each request and at each answer."""
        return self._shown + self._wasted + self._ahead, self._wasted

    def background_cpu_s(self) -> float:
        """Reading ahead, and writing the rest of a completion of which a part was shown."""
        return self._background_cpu_s

    def _handle_answer(
        self, event: RequestEvent, character: int, rest: str, answer: asyncio.Future[dict[str, Any]]
    ) -> None:
        self._book_cpu_time(is_background=False)
        del self._pending[event.request]
        self._answers.discard(answer)
        result = answer.result().get("result") or {}
        for item in result.get("items", [])[:1]:
            start, end = (item["range"][side]["character"] for side in ("start", "end"))
            text = to_utf16_units(item["insertText"])[character - start :]
            self.timeline.show(event.request, text, rest[end - character :])
            self._request_explanation(event.request)
        in_time = "error" not in answer.result() and self.timeline.now() <= event.deadline
        self._books.put_nowait("shown" if in_time else "wasted")

    def _request_explanation(self, request: int) -> None:
        """Ask the daemon how the last answer was made."""
        _, response = self._editor.send_request("workspace/executeCommand", {"command": LAST})
        response.add_done_callback(partial(self._handle_explanation, request))

    def _handle_explanation(self, request: int, response: asyncio.Future[dict[str, Any]]) -> None:
        explanation = response.result()["result"]["explanation"]
        is_new = explanation["source"] == "engine"
        evaluated = explanation["prompt_tokens"] - explanation["cached_tokens"]
        evaluated += explanation["read_tokens"]
        self.timeline.set_evaluated(request, evaluated if is_new else 0)

    async def _book_work(self) -> None:
        """Add the work since the last sample to the book that the queue names."""
        while True:
            book = f"_{await self._books.get()}"
            total = await self._read_total()
            setattr(self, book, getattr(self, book) + (total - self._last_total))
            self._last_total = total
            self._books.task_done()

    def _book_cpu_time(self, *, is_background: bool) -> None:
        """Add the CPU time since the last call to the background, or leave it out."""
        cpu_s = self._cpu.read_s()
        self._background_cpu_s += (cpu_s - self._last_cpu_s) * is_background
        self._last_cpu_s = cpu_s

    async def _read_total(self) -> Work:
        engine = (await self._http.get("/admin/status")).json()["engine"]
        evaluated = engine["prompt_tokens"] - engine["cached_tokens"]
        return Work(evaluated, engine["completion_tokens"])


def _build_uri(buffer: Buffer) -> str:
    return f"file:///w/{quote(buffer.path)}"
