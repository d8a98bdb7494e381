"""VS Code with the extension, the daemon and the model, as a programmer has them."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon
from tests.editors.code_server import chromium, code_server, missing
from tests.editors.vscode_window import Workbench
from tests.real.conftest import ANSWERED_AT_LENGTH, model_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame

__all__ = ["model_path"]  # a fixture
pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.timeout(600),
]

Open = Callable[..., Workbench]

MEAN = "def mean(values):\n    return sum(values) / len(values)\n"
LOOP = """\
class Cart:
    def total(self, items):
        result = 0
        for item in items:
            result += item.price
        return result
"""

# An answer can be there within a moment, so the page itself keeps what it showed on the way.
KEEP_WHAT_IS_SHOWN = """() => {
    window.shown = [];
    const keep = () => shown.push([
        document.querySelector('#send').innerText,
        [...document.querySelectorAll('.answer')].pop()?.innerText ?? '',
    ]);
    new MutationObserver(keep).observe(document, { childList: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    # The settings are for the daemon that an editor starts in the place of this one.
    with run_daemon(model_path, MODEL__NAME=str(model_path), SERVER__PORT="0") as running:
        yield running


@pytest.fixture(scope="module")
def address(daemon: RunningDaemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with code_server(tmp_path_factory.mktemp("code"), daemon.env) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_window(
    browser: "Browser", address: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Open]:
    """Opens windows; keeps a picture of the last one."""
    with ExitStack() as windows:

        def open_window(name: str = "sums.py", text: str = "") -> Workbench:
            folder = tmp_path / "app"
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text)
            window = Workbench(browser, address, folder / name)
            windows.callback(window.close)
            windows.callback(window.picture, request.node.name.removeprefix("test_"))
            window.until(window.status, lambda status: status == "copilotd")
            return window

        yield open_window


def sums(window: Workbench) -> None:
    """Type a line that has one end, and wait until it is there."""
    window.type("def add(a, b):\nreturn ")
    # The server may first show the beginning of what it has no time to finish; it grows by itself.
    window.until(window.ghost, lambda ghost: ghost == "a + b")


def select(window: Workbench, lines: int) -> None:
    window.press("Control+Home", *["Shift+ArrowDown"] * lines)


def chat(window: Workbench) -> "Frame":
    window.command("copilotd: Open the Chat")
    return window.frame("#question")


def answered(window: Workbench, page: "Frame") -> str:
    """The text of the last answer, once it is all there."""
    window.until(lambda: page.locator(".answer").count())
    window.until(lambda: page.locator("#send").inner_text(), lambda label: label == "Send")
    return page.locator(".answer").last.inner_text()


def proposal(window: Workbench, good: Callable[[str], bool]) -> None:
    """Wait until the difference shows what is wanted."""
    window.until(lambda: window.find(".monaco-diff-editor .modified").first.inner_text(), good)


def accepted(daemon: RunningDaemon) -> int:
    """How many suggestions the daemon knows to be taken."""
    status = json.loads(run_copilotd(daemon.env, "status", "--json"))
    return int(status["completion"]["accepted"])


def light_bulb(window: Workbench, wanted: str) -> list[str]:
    """Open it; the titles that it offers, once `wanted` is one of them."""
    window.press("Control+.")
    rows = window.find(".action-widget .monaco-list-row .title")
    return window.until(rows.all_inner_texts, lambda titles: wanted in titles)


def running(daemon: RunningDaemon) -> int:
    """The process of the daemon that runs now; 0 if none does."""
    try:
        return int(json.loads(run_copilotd(daemon.env, "status", "--json"))["pid"])
    except SystemExit:
        return 0


def test_what_the_model_offers_is_written_into_the_file(
    open_window: Open, daemon: RunningDaemon
) -> None:
    before = accepted(daemon)
    window = open_window()
    sums(window)
    window.picture("ghost-text")
    window.press("Tab")
    window.until(window.ghost, lambda ghost: "a + b" not in ghost)
    window.press("Escape")
    assert window.text().startswith("def add(a, b):\n    return a + b")
    window.until(lambda: accepted(daemon), lambda count: count == before + 1)


def test_words_and_lines_are_taken_one_by_one(open_window: Open, daemon: RunningDaemon) -> None:
    before = accepted(daemon)
    window = open_window()
    sums(window)
    window.press("Control+ArrowRight")
    window.until(window.ghost, lambda ghost: ghost == " + b")
    window.press("Control+Alt+ArrowRight")
    window.until(window.ghost, lambda ghost: "+ b" not in ghost)
    window.press("Escape")
    assert window.text().startswith("def add(a, b):\n    return a + b")
    window.until(lambda: accepted(daemon), lambda count: count > before)


def test_brackets_that_the_editor_closed_are_not_doubled(open_window: Open) -> None:
    window = open_window(text=f"{MEAN}\n\n")
    window.press("Control+End")
    window.type("print(mean([1, 2, 3")
    ghost = window.until(window.ghost)
    window.press("Tab")
    window.until(window.ghost, lambda shown: shown != ghost)
    window.press("Escape")
    last = window.text().rstrip("\n").split("\n")[-1]
    assert last != "print(mean([1, 2, 3]))"
    compile(last, "last line", "exec")


def test_a_dismissed_suggestion_stays_away(open_window: Open) -> None:
    window = open_window()
    sums(window)
    window.press("Escape")
    window.until(window.ghost, lambda ghost: ghost == "")
    window.type("x")
    window.press("Backspace", "Escape")
    assert window.text() == "def add(a, b):\n    return "


def test_a_paused_window_suggests_nothing(open_window: Open) -> None:
    window = open_window()
    window.command("copilotd: Pause until Resumed")
    window.until(window.status, lambda status: status == "copilotd: paused")
    window.type("def add(a, b):\nreturn ")
    window.command("copilotd: Resume")
    window.until(window.status, lambda status: status == "copilotd")
    assert window.ghost() == ""
    window.press("Alt+\\")
    window.until(window.ghost, lambda ghost: ghost == "a + b")


def test_why_a_suggestion_came_out_as_it_did_can_be_read(open_window: Open) -> None:
    window = open_window()
    sums(window)
    window.command("copilotd: Explain the Last Suggestion")
    seen = window.until(
        lambda: window.find('.monaco-editor[data-uri^="copilotd:"]').all_inner_texts(),
        lambda texts: any("shown" in text for text in texts),
    )
    assert "fim_prefix" in seen[0]


def test_an_explanation_is_streamed_into_the_chat(open_window: Open) -> None:
    window = open_window(text=MEAN)
    page = chat(window)
    page.evaluate(KEEP_WHAT_IS_SHOWN)
    window.editor.click()
    select(window, 2)
    window.command("copilotd: Explain")
    window.until(lambda: page.locator(".answer").count())
    answer = answered(window, page)
    assert "mean" in answer
    before_the_end = [text for label, text in page.evaluate("shown") if label == "Stop"]
    assert len(set(before_the_end) - {"", answer}) > 1
    assert page.locator(".question").inner_text() == "/explain\n\nsums.py:1-2"


def test_code_of_an_answer_is_inserted_and_the_chat_is_kept(open_window: Open) -> None:
    window = open_window()
    page = chat(window)
    page.fill("#question", "Write a Python function add(a, b). Only the code, no explanation.")
    page.press("#question", "Enter")
    answered(window, page)
    window.picture("chat")
    page.locator("button.insert").first.click()
    code = page.locator(".answer pre").first.inner_text().rstrip("\n")
    assert "def add(" in code
    assert window.text().rstrip("\n") == code
    window.command("copilotd: New Chat")
    window.until(lambda: page.locator(".answer").count() == 0)
    window.command("copilotd: Earlier Chats")
    window.find(".quick-input-list .monaco-list-row", "Write a Python function").first.click()
    window.until(lambda: page.locator(".answer").count())


@pytest.fixture
def asks_for_an_edit(open_window: Open) -> Iterator[tuple[Workbench, "Frame"]]:
    """A chat with tools whose model wants to change a file, and the user is asked."""
    window = open_window("limits.py", "TIMEOUT_S = 10\n")
    page = chat(window)
    switch_tools(window, page, "true")
    ask = "Call apply_edit: in limits.py replace `TIMEOUT_S = 10` by `TIMEOUT_S = 30`."
    page.fill("#question", ask)
    page.press("#question", "Enter")
    window.until(lambda: page.locator(".approval").count())
    yield window, page
    # The setting is the user's, so a window that closes before it is written leaves it to the next.
    switch_tools(window, page, "false")


def switch_tools(window: Workbench, page: "Frame", on: str) -> None:
    page.click("#tools")
    window.until(lambda: page.get_attribute("#tools", "aria-pressed"), lambda seen: seen == on)


def test_a_tool_changes_a_file_once_the_user_allows_it(
    asks_for_an_edit: tuple[Workbench, "Frame"],
) -> None:
    window, page = asks_for_an_edit
    assert "+TIMEOUT_S = 30" in page.locator(".approval").inner_text()
    window.picture("approval")
    assert window.file.read_text() == "TIMEOUT_S = 10\n"
    page.locator(".approval .once").click()
    window.until(window.file.read_text, lambda text: text == "TIMEOUT_S = 30\n")
    answered(window, page)
    window.picture("tools")
    page.locator(".tool-call .undo").first.click()
    window.until(window.file.read_text, lambda text: text == "TIMEOUT_S = 10\n")


def test_what_the_user_denies_a_tool_is_not_done(
    asks_for_an_edit: tuple[Workbench, "Frame"],
) -> None:
    window, page = asks_for_an_edit
    page.locator(".approval .deny").click()
    window.until(lambda: page.locator(".tool-call.failed").count())
    page.locator("#send").click()
    assert window.text() == "TIMEOUT_S = 10\n"


def test_an_answer_can_be_stopped(open_window: Open) -> None:
    window = open_window()
    page = chat(window)
    page.fill("#question", ANSWERED_AT_LENGTH)
    page.press("#question", "Enter")
    window.until(lambda: page.locator(".answer").inner_text(), lambda text: "2" in text)
    page.locator("#send").click()
    assert answered(window, page).endswith("Stopped.")


def test_an_edit_is_shown_as_a_difference_and_written_when_accepted(open_window: Open) -> None:
    window = open_window(text=LOOP)
    select(window, 6)
    window.press("Control+Alt+e")
    window.find(".quick-input-widget input").first.fill("Rename the parameter items to products.")
    window.press("Enter")
    proposal(window, lambda text: "\u00a0in\u00a0products" in text)
    window.until(lambda: window.find(".monaco-diff-editor .line-insert").count())
    window.picture("edit")
    assert window.file.read_text() == LOOP
    window.press("Control+Enter")
    window.until(lambda: window.find(".monaco-diff-editor").count() == 0)
    assert "total(self, products)" in window.text()


def test_a_rejected_edit_leaves_the_file_alone(open_window: Open) -> None:
    window = open_window(text=LOOP)
    select(window, 6)
    window.command("copilotd: Document")
    proposal(window, lambda text: '"""' in text)
    window.command("copilotd: Reject the Edit")
    window.until(lambda: window.find(".monaco-diff-editor").count() == 0)
    assert window.file.read_text() == LOOP


def test_the_light_bulb_offers_what_can_be_done_with_selected_code(open_window: Open) -> None:
    window = open_window(text=LOOP)
    select(window, 6)
    offered = light_bulb(window, "Document with copilotd")
    assert {title for title in offered if "copilotd" in title} == {
        "Edit with copilotd…",
        "Document with copilotd",
        "Generate tests with copilotd",
        "Explain with copilotd",
    }
    window.find(".action-widget .monaco-list-row", "Document with copilotd").first.click()
    proposal(window, lambda text: '"""' in text)


def test_a_fix_of_a_reported_error_is_proposed_from_the_light_bulb(open_window: Open) -> None:
    text = '{\n  "timeout": 10,,\n  "tries": 3\n}\n'
    window = open_window("limits.json", text)
    window.until(lambda: window.find(".squiggly-error").count())
    window.press("Control+Home", "ArrowDown", "End")
    light_bulb(window, "Fix with copilotd")
    window.find(".action-widget .monaco-list-row", "Fix with copilotd").first.click()
    # What a small model makes of it is another matter.
    window.until(lambda: window.find(".monaco-diff-editor .line-delete").count())
    window.command("copilotd: Reject the Edit")
    window.until(lambda: window.find(".monaco-diff-editor").count() == 0)
    assert window.text() == text


def test_a_commit_message_is_written_into_the_box_of_git(open_window: Open, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "limits.py").write_text("TIMEOUT_S = 10\n")
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    (folder / "limits.py").write_text("TIMEOUT_S = 30\n")
    window = open_window(text=MEAN)
    window.press("Control+Shift+g")
    box = window.find(".scm-editor")
    box.first.wait_for()
    window.until(lambda: window.find(".scm-view .monaco-list-row", "limits.py").count())
    window.command("copilotd: Write the Commit Message")
    window.until(lambda: box.first.inner_text().lower(), lambda text: "timeout" in text)


def test_the_participant_answers_in_the_chat_of_vs_code(open_window: Open) -> None:
    window = open_window(text=MEAN)
    window.command("Chat: Open Chat")
    picker = window.find(".interactive-session .chat-input-toolbars")
    window.until(lambda: " ".join(picker.all_inner_texts()), lambda text: "(copilotd)" in text)
    editor = window.find(".interactive-session .monaco-editor").last
    editor.click()
    window.type("@copilotd ")
    window.type("What is 2 + 3? Answer with the number.")
    window.press("Escape", "Enter")
    answer = window.find(".interactive-response .rendered-markdown")
    window.until(lambda: " ".join(answer.all_inner_texts()), lambda text: "5" in text)


def test_a_killed_daemon_is_replaced(open_window: Open, daemon: RunningDaemon) -> None:
    window = open_window()
    sums(window)
    killed = running(daemon)
    os.kill(killed, signal.SIGKILL)
    window.press("Escape")
    window.type("a")
    window.until(lambda: running(daemon), lambda pid: pid not in (0, killed))
    window.press("Backspace")
    window.until(window.ghost, lambda ghost: ghost == "a + b")


def test_two_windows_share_one_worker(open_window: Open, daemon: RunningDaemon) -> None:
    sums(open_window("one.py"))
    sums(open_window("two.py"))
    children = psutil.Process(running(daemon)).children(recursive=True)
    assert sum("copilotd.engine.worker.main" in child.cmdline() for child in children) == 1
