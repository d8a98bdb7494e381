"""One window of VS Code, which tests control with keys and read from the screen."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from tests.editors.code_server import EXTENSION

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Locator

SCREENSHOTS = EXTENSION / "e2e/screenshots"
PATIENCE_S = 90.0
_NO_BREAK_SPACE = "\u00a0"

T = TypeVar("T")


class Workbench:
    """A window with a folder and one open file of it."""

    def __init__(self, browser: "Browser", address: str, file: Path) -> None:
        self._page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.file = file
        opened = f"vscode-remote://{address}{file}"
        payload = quote(json.dumps([["openFile", opened]]))
        self._page.goto(
            f"http://{address}/?folder={quote(str(file.parent))}&payload={payload}",
            wait_until="domcontentloaded",
        )
        self.editor = self._page.locator(f'.monaco-editor[data-uri$="{file.name}"]').first
        self.editor.wait_for(timeout=PATIENCE_S * 1000)
        self.editor.locator(".view-lines").click()

    def close(self) -> None:
        self._page.close()

    def open_cell(self, notebook: Path) -> None:
        """Open a notebook, and turn to its first cell."""
        self.press("Control+p")
        self._page.locator(".quick-input-widget input").first.fill(notebook.name)
        self._page.locator(".quick-input-list .label-name", has_text=notebook.name).first.click()
        self.editor = self._page.locator(f'.monaco-editor[data-uri*="{notebook.name}#"]').first
        self.editor.wait_for(timeout=PATIENCE_S * 1000)
        self.editor.locator(".view-lines").click()

    def type(self, text: str, delay_ms: float = 30) -> None:
        """Type key by key, as fast as a quick typist."""
        self._page.keyboard.type(text, delay=delay_ms)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._page.keyboard.press(key)

    def run_command(self, title: str) -> None:
        """Run a command of the palette by its title."""
        self.press("F1")
        box = self._page.locator(".quick-input-widget input").first
        box.fill(f">{title}")
        exactly = re.compile(rf"^{re.escape(title)}$")
        self._page.locator(".quick-input-list .label-name", has_text=exactly).first.click()

    def read_ghost_text(self) -> str:
        """Read the ghost text on the screen, its lines joined with line ends."""
        inline = self.editor.locator(".ghost-text-decoration, .ghost-text")
        below = self.editor.locator(".suggest-preview-text .view-line, .ghost-text-view-line")
        first = "".join(inline.all_text_contents())
        lines = [first, *below.all_text_contents()] if first or below.count() else [first]
        return "\n".join(lines).replace(_NO_BREAK_SPACE, " ").rstrip("\n")

    def read_status(self) -> str:
        """Read the copilotd item of the status bar."""
        return self._page.locator('.statusbar-item[id*="copilotd"]').first.inner_text().strip()

    def save_and_read(self) -> str:
        """Save the file; return its text."""
        changed = self._page.locator(f'.tab.dirty[data-resource-name="{self.file.name}"]')

        def save() -> bool:
            # The file may also change after it was saved.
            self.press("Control+s")
            return changed.count() == 0

        self.wait_until(save)
        return self.file.read_text()

    def wait_until(self, look: Callable[[], T], good: Callable[[T], object] = bool) -> T:
        """Wait until the value of `look` is `good`; return it. Raises: AssertionError with it."""
        end = time.monotonic() + PATIENCE_S
        while not good(seen := look()):
            assert time.monotonic() < end, f"still {seen!r}"
            self._page.wait_for_timeout(50)
        return seen

    def wait_for_frame(self, selector: str) -> "Frame":
        """Wait for the frame of a webview that has an element for `selector`."""

        def find_frame() -> "Frame | None":
            return next((f for f in self._page.frames if _has(f, selector)), None)

        frame = self.wait_until(find_frame)
        assert frame is not None
        return frame

    def find(self, selector: str, text: str = "") -> "Locator":
        return self._page.locator(selector, has_text=text) if text else self._page.locator(selector)

    def save_screenshot(self, name: str) -> None:
        """Save a screenshot for people who look at the test run."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self._page.screenshot(path=SCREENSHOTS / f"{name}.png")


def _has(frame: "Frame", selector: str) -> bool:
    """Return whether a frame has an element; False if VS Code removes the frame meanwhile."""
    from playwright.sync_api import Error

    try:
        return frame.query_selector(selector) is not None
    except Error:
        if not frame.is_detached():
            raise
        return False
