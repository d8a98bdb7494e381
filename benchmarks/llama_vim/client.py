"""llama-server's `/infill`, used as llama.vim uses it.

Only one request runs at a time. A request that comes meanwhile is tried again every 100 ms. The
client caches answers, and text typed along an answer shows the rest of it. After it shows a
suggestion, it sends a speculative request for the text behind it. llama.vim lets a request run to
its end; with `hang_up`, the client cancels it when the editor does.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.llama_vim.answer_cache import AnswerCache
from benchmarks.llama_vim.infill import (
    PREFIX_LINES,
    SUFFIX_LINES,
    Context,
    Infill,
    Reply,
    build_context,
    build_next_context,
)
from benchmarks.llama_vim.ring import CHUNK_LINES, Ring
from benchmarks.llama_vim.suggestion import render_suggestion
from benchmarks.recording.buffer import Buffer, Change
from benchmarks.recording.player import Client, Work
from benchmarks.recording.timeline import find_rest_of_line
from benchmarks.recording.trace import EndEvent, RequestEvent

RETRY_S = 0.1
FIRST_MS, SPECULATIVE_MS = 250, 1000
MAX_AFTER_CURSOR = 8
FAR_LINES, SCOPE_LINES = 32, 1024
RING_S, STILL_S, ENTER_S = 1.0, 3.0, 0.1


class LlamaVim(Client):
    """One editor with the plugin."""

    def __init__(self, url: str, *, hang_up: bool) -> None:
        super().__init__()
        self._infill = Infill(url)
        self._hang_up = hang_up
        self._buffer = Buffer("", "")
        self._request: int | None = None
        self._answers = AnswerCache()
        self._is_showing = False
        self._indent = 0
        self._ring = Ring()
        self._queued_line = -9999
        self._moved_at = 0.0
        self._job: asyncio.Task[None] | None = None
        self._job_request: int | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._replies: list[Reply] = []

    async def begin(self) -> None:
        """Let the model write a few words."""
        await self._infill.complete(Context("", "for word in", "words\n", 0), [], FIRST_MS)
        self._before = await self._infill.read_total()
        self._updating = asyncio.create_task(self._update_ring())

    def on_focus(self, buffer: Buffer) -> None:
        """Queue the lines around the cursor, both at the old place and at the new one."""
        self._queue_around(self._buffer)
        self._buffer = buffer
        asyncio.get_running_loop().call_later(ENTER_S, self._queue_around, buffer)

    def on_edit(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """Hide the suggestion for the old text."""
        self._is_showing = False
        self._request = None

    def on_cursor_move(self, buffer: Buffer) -> None:
        """Show what is known for the new place."""
        self._moved_at = self.timeline.now()
        self._is_showing = False
        self._show()

    def on_request(self, buffer: Buffer, event: RequestEvent) -> None:
        """A visible suggestion is the answer; send the request nevertheless."""
        self._request = event.request
        self._show()
        self._request_when_free(self._build_context, FIRST_MS)

    def on_request_end(self, event: EndEvent) -> None:
        """Cancel the request, with `hang_up`."""
        if self._hang_up and event.is_cancelled and event.request == self._job_request:
            self._cancel_jobs()

    async def finish(self) -> None:
        """Stop all running jobs."""
        self._updating.cancel()
        self._cancel_jobs()
        self._spent = await self._infill.read_total() - self._before
        await self._infill.close()

    async def work(self) -> tuple[Work, Work]:
        """The work by the server's metrics.

        Wasted is the work for answers that were cancelled, or late and never shown.
        """
        useful = (reply.work for reply in self._replies if reply.is_shown or not reply.is_late)
        return self._spent, self._spent - sum(useful, Work())

    def _request_when_free(self, place: Callable[[], Context], max_ms: int) -> None:
        """Request `place`, as it is when the server is free, unless the answer is known."""
        if self._retry is not None:
            self._retry.cancel()
        if self._job is not None and not self._job.done():
            loop = asyncio.get_running_loop()
            self._retry = loop.call_later(RETRY_S, self._request_when_free, place, max_ms)
            return
        here = place()
        if len(here.rest_of_line) > MAX_AFTER_CURSOR or self._answers.has(here):
            return
        self._indent = here.indent
        self._ring.evict_near(self._select_lines_around(self._buffer), self._buffer.path)
        self._job_request = self._request
        self._job = asyncio.create_task(self._request_infill(here, max_ms))
        self._queue_far(self._buffer)

    def _build_context(self) -> Context:
        return build_context(self._buffer, self._buffer.cursor)

    async def _request_infill(self, here: Context, max_ms: int) -> None:
        reply = await self._infill.complete(here, self._ring.render_input_extra(), max_ms)
        self._replies.append(reply)
        self._answers.remember(here, reply)
        if not self._is_showing:
            self._show()
        row = self.timeline.rows.get(self._job_request or 0)
        # A speculative answer has no deadline.
        reply.is_late = max_ms == FIRST_MS and (row is None or self.timeline.now() > row.deadline)

    def _show(self) -> None:
        """Show what is known for the cursor; then request the text behind it."""
        known = self._answers.find(self._build_context())
        lines = render_suggestion(self._buffer, known[0]) if known else []
        if not known or not lines:
            return
        self._is_showing = True
        if self._request is not None:
            rest = find_rest_of_line(self._buffer)
            text = "\n".join(lines).removesuffix(rest)
            known[1].is_shown |= self.timeline.show(self._request, text, rest)
        behind = partial(build_next_context, self._buffer, self._buffer.cursor, lines, self._indent)
        self._request_when_free(behind, SPECULATIVE_MS)

    def _cancel_jobs(self) -> None:
        for job in (self._job, self._retry):
            if job is not None:
                job.cancel()
        self._job = self._retry = None

    async def _update_ring(self) -> None:
        """Update the ring every second while the cursor stands still."""
        while True:
            await asyncio.sleep(RING_S)
            if self.timeline.now() - self._moved_at >= STILL_S and self._ring.update():
                self._replies.append(
                    await self._infill.evaluate_chunks(self._ring.render_input_extra())
                )

    def _queue_around(self, buffer: Buffer) -> None:
        # llama.vim takes only saved files. A recording does not say when a file is saved, so only
        # files without edits count.
        if buffer.version == 1:
            self._ring.queue(self._select_lines_around(buffer), buffer.path, evict=True)

    def _queue_far(self, buffer: Buffer) -> None:
        """After a long move of the cursor, queue lines that are too far away to be sent."""
        line = buffer.position(buffer.cursor)[0]
        if abs(line - self._queued_line) <= FAR_LINES:
            return
        lines, below = buffer.text.split("\n"), line + SUFFIX_LINES
        above = lines[max(0, line - SCOPE_LINES) : max(0, line - PREFIX_LINES) + 1]
        self._ring.queue(above, buffer.path, evict=False)
        self._ring.queue(lines[below : below + CHUNK_LINES + 1], buffer.path, evict=False)
        self._queued_line = line

    def _select_lines_around(self, buffer: Buffer) -> list[str]:
        line, half = buffer.position(buffer.cursor)[0], CHUNK_LINES // 2
        return buffer.text.split("\n")[max(0, line - half) : line + half + 1]
