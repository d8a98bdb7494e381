"""VS Code with the extension: types the programmer's keys and records every frame."""

import asyncio
import json
import re
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.async_api import Page, async_playwright
from watchfiles import awatch

from benchmarks.clients.typed_key import find_typed_key
from benchmarks.recording.buffer import Buffer, Change, from_utf16_units
from benchmarks.recording.flicker import Frame
from benchmarks.recording.player import Client
from benchmarks.servers.daemon import RunningDaemon
from tests.editors.code_server import code_server, find_chromium, pack_extension

TYPIST = Path(__file__).parents[2] / "tests/editors/typist"
CONNECTED_WITHIN_S = 90.0
_READY = re.compile(r"^\s*copilotd\s*$")
# The recording already contains what the editor inserts by itself.
SETTINGS = {
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.autoIndent": "none",
    "editor.quickSuggestions": False,
    "editor.suggestOnTriggerCharacters": False,
    "editor.trimAutoWhitespace": False,
    "editor.parameterHints.enabled": False,
    "editor.formatOnType": False,
    "files.trimTrailingWhitespace": False,
}
# Records each frame that differs from the one before: the cursor's file and row on the screen, its
# line up to the cursor, and the ghost text.
_WATCH = """() => {
  window.frames_ = [];
  let last = '';
  let waits = false;
  const look = () => {
    waits = false;
    const frame = JSON.stringify(read_frame());
    if (frame !== last) window.frames_.push(frame);
    last = frame;
  };
  // Only after a change: looking at every frame would take a core from the model.
  const changed = () => {
    if (!waits) requestAnimationFrame(look);
    waits = true;
  };
  const read_frame = () => {
    const editor = document.querySelector('.editor-instance .monaco-editor');
    const cursor = editor && editor.querySelector('.cursors-layer .cursor');
    if (!cursor) return ['', '', ''];
    const top = cursor.getBoundingClientRect().top;
    const lines = [...editor.querySelectorAll('.view-lines .view-line')];
    const line = lines.find((l) => Math.abs(l.getBoundingClientRect().top - top) < 4);
    const spans = line ? [...line.querySelectorAll('span span')] : [];
    const is_ghost = (span) => /ghost-text/.test(span.className);
    const first = spans.findIndex(is_ghost);
    const text = (some) => some.map((span) => span.textContent).join('').replace(/\\u00a0/g, ' ');
    const below = [...editor.querySelectorAll('.suggest-preview-text .view-line')];
    const before = text(first < 0 ? spans : spans.slice(0, first));
    const place = editor.dataset.uri + ':' + Math.round(top);
    const ghost = [text(spans.filter(is_ghost)), ...below.map((l) => text([l]))];
    return [place, before, first < 0 && !below.length ? '' : ghost.join('\\n')];
  };
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(changed).observe(document.body, all);
}"""

_FOCUS = """() => {
  if (document.activeElement?.closest('.editor-instance')) return;
  const inputs = '.native-edit-context, textarea.inputarea';
  document.querySelector('.editor-instance')?.querySelector(inputs)?.focus();
}"""


class VsCodeClient(Client):
    """One window with its own copy of each file of the recording."""

    def __init__(self, daemon: RunningDaemon) -> None:
        super().__init__()
        self._daemon = daemon
        self._stack = AsyncExitStack()
        self._steps: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._current: Buffer | None = None
        self._after_key: tuple[Buffer, int] | None = None
        self._frames: list[Frame] = []

    async def begin(self) -> None:
        """Start VS Code, and wait for the typist extension in it."""
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="code-")))
        (self._folder / "w").mkdir()
        socket = self._folder / "typist"
        env = {**self._daemon.env, "COPILOTD_TYPIST": str(socket)}
        typist = pack_extension(TYPIST, self._folder / "typist.vsix")
        running = code_server(self._folder / "c", env, SETTINGS, [typist])
        address = self._stack.enter_context(running)
        self._page = await self._open_window(address)
        await self._page.evaluate(_WATCH)
        async with asyncio.timeout(CONNECTED_WITHIN_S):
            async for _ in awatch(self._folder, recursive=False, yield_on_timeout=True):
                if socket.exists():
                    break
        ready = self._page.locator('.statusbar-item[id*="copilotd"]', has_text=_READY)
        await ready.first.wait_for(timeout=CONNECTED_WITHIN_S * 1000)
        self._reader, self._writer = await asyncio.open_unix_connection(str(socket))
        self._stepper = asyncio.create_task(self._run_steps())

    def on_open(self, buffer: Buffer) -> None:
        """Write the file, so that the editor can open it."""
        path = self._path(buffer)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(from_utf16_units(buffer.text))

    def on_focus(self, buffer: Buffer) -> None:
        """Open the file."""
        self._current = buffer
        self._queue_step("open", path=str(self._path(buffer)))

    def on_edit(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """Type a key that was typed at the cursor, and apply any other change."""
        if buffer is not self._current:
            return
        if key := find_typed_key(buffer, changes):
            self._queue_step("type", text=key)
            self._after_key = buffer, buffer.cursor + 1
        else:
            self._queue_step(
                "change", changes=[[c.start, c.end, from_utf16_units(c.text)] for c in changes]
            )

    def on_cursor_move(self, buffer: Buffer) -> None:
        """Move the cursor, unless the last typed key has already moved it."""
        if buffer is self._current and self._after_key != (buffer, buffer.cursor):
            self._queue_step("go", position=buffer.position(buffer.cursor))

    async def finish(self) -> None:
        """Take the frames, and close the window."""
        await self._steps.join()
        frames = await self._page.evaluate("() => window.frames_")
        self._frames = [Frame(*json.loads(frame)) for frame in frames]
        self._stepper.cancel()
        self._writer.close()
        await self._stack.aclose()

    def frames(self) -> list[Frame]:
        """All frames of the screen."""
        return self._frames

    async def _open_window(self, address: str) -> Page:
        playwright = await self._stack.enter_async_context(async_playwright())
        options = ["--no-sandbox", "--disable-gpu"]
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=options)
        page = await browser.new_page(viewport={"width": 1600, "height": 900})
        folder = quote(str(self._folder / "w"))
        await page.goto(f"http://{address}/?folder={folder}", wait_until="domcontentloaded")
        return page

    def _queue_step(self, step: str, **what: Any) -> None:
        self._steps.put_nowait({"step": step, **what})

    async def _run_steps(self) -> None:
        while True:
            step = await self._steps.get()
            await self._send_step(step)
            # VS Code requests nothing without the keyboard focus, which the window may give to
            # something else while it starts.
            await self._page.evaluate(_FOCUS)
            self._steps.task_done()

    async def _send_step(self, step: dict[str, Any]) -> None:
        self._writer.write(f"{json.dumps(step)}\n".encode())
        answer = json.loads(await self._reader.readline())
        if answer:
            print(f"\r{step['step']}: {answer['error']}")

    def _path(self, buffer: Buffer) -> Path:
        return self._folder / "w" / buffer.path
