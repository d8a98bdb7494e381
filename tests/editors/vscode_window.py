"""One window of VS Code, driven as a programmer drives it: keys, and what is on the screen."""

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
    """A window with a folder, and one file of it open."""

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

    def type(self, text: str, delay_ms: float = 30) -> None:
        """Key by key, as fast as a quick typist."""
        self._page.keyboard.type(text, delay=delay_ms)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._page.keyboard.press(key)

    def command(self, title: str) -> None:
        """Run a command by its title, from the palette."""
        self.press("F1")
        box = self._page.locator(".quick-input-widget input").first
        box.fill(f">{title}")
        exactly = re.compile(rf"^{re.escape(title)}$")
        self._page.locator(".quick-input-list .label-name", has_text=exactly).first.click()

    def ghost(self) -> str:
        """The ghost text on the screen, its lines joined by line ends."""
        inline = self.editor.locator(".ghost-text-decoration, .ghost-text")
        below = self.editor.locator(".suggest-preview-text .view-line, .ghost-text-view-line")
        first = "".join(inline.all_text_contents())
        lines = [first, *below.all_text_contents()] if first or below.count() else [first]
        return "\n".join(lines).replace(_NO_BREAK_SPACE, " ").rstrip("\n")

    def status(self) -> str:
        """Our item in the status bar."""
        return self._page.locator('.statusbar-item[id*="copilotd"]').first.inner_text().strip()

    def text(self) -> str:
        """The file, saved."""
        self.press("Control+s")
        tab = self._page.locator(f'.tab.dirty[data-resource-name="{self.file.name}"]')
        tab.wait_for(state="detached")
        return self.file.read_text()

    def until(self, look: Callable[[], T], good: Callable[[T], object] = bool) -> T:
        """What `look` sees once that is `good`. Raises: AssertionError with what was seen last."""
        end = time.monotonic() + PATIENCE_S
        while not good(seen := look()):
            assert time.monotonic() < end, f"still {seen!r}"
            self._page.wait_for_timeout(50)
        return seen

    def frame(self, selector: str) -> "Frame":
        """The frame of a webview that has an element for `selector`."""

        def found() -> "Frame | None":
            return next((f for f in self._page.frames if _has(f, selector)), None)

        frame = self.until(found)
        assert frame is not None
        return frame

    def find(self, selector: str, text: str = "") -> "Locator":
        return self._page.locator(selector, has_text=text) if text else self._page.locator(selector)

    def picture(self, name: str) -> None:
        """Keep the screen for whoever looks at the run."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self._page.screenshot(path=SCREENSHOTS / f"{name}.png")


def _has(frame: "Frame", selector: str) -> bool:
    """False as well for a frame that VS Code takes away while it is asked: it builds views anew."""
    from playwright.sync_api import Error

    try:
        return frame.query_selector(selector) is not None
    except Error:
        if not frame.is_detached():
            raise
        return False
