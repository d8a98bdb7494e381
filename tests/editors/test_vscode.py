"""VS Code with the extension, the daemon and the real model."""

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
from tests.editors.code_server import code_server, describe_missing, find_chromium
from tests.editors.vscode_window import Workbench
from tests.real.conftest import ANSWERED_AT_LENGTH, model_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame

__all__ = ["model_path"]  # a fixture
pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(bool(describe_missing()), reason=describe_missing()),
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

NOTEBOOK = """{
 "cells": [
  {"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": []}
 ],
 "metadata": {"language_info": {"name": "python"}},
 "nbformat": 4,
 "nbformat_minor": 4
}"""

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
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_window(
    browser: "Browser", address: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Open]:
    """Open windows; save a screenshot when the test ends."""
    with ExitStack() as windows:

        def open_window(name: str = "sums.py", text: str = "") -> Workbench:
            folder = tmp_path / "app"
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text)
            window = Workbench(browser, address, folder / name)
            windows.callback(window.close)
            windows.callback(window.save_screenshot, request.node.name.removeprefix("test_"))
            window.wait_until(window.read_status, lambda status: status == "copilotd")
            return window

        yield open_window


def type_until_sum(window: Workbench) -> None:
    """Type a line with one obvious end, and wait until that end is ghost text."""
    window.type("def add(a, b):\nreturn ")
    # The server may show a partial completion at first, which grows by itself.
    window.wait_until(window.read_ghost_text, lambda ghost: ghost == "a + b")


def select_lines(window: Workbench, lines: int) -> None:
    window.press("Control+Home", *["Shift+ArrowDown"] * lines)


def open_chat(window: Workbench) -> "Frame":
    window.run_command("copilotd: Open the Chat")
    return window.wait_for_frame("#question")


def wait_for_answer(window: Workbench, page: "Frame") -> str:
    """Wait until the last answer is complete; return its text."""
    window.wait_until(lambda: page.locator(".answer").count())
    window.wait_until(lambda: page.locator("#send").inner_text(), lambda label: label == "Send")
    return page.locator(".answer").last.inner_text()


def wait_for_proposal(window: Workbench, good: Callable[[str], bool]) -> None:
    """Wait until the text of the diff is `good`."""
    window.wait_until(lambda: window.find(".monaco-diff-editor .modified").first.inner_text(), good)


def count_accepted(daemon: RunningDaemon) -> int:
    """Return how many accepted suggestions the daemon has counted."""
    status = json.loads(run_copilotd(daemon.env, "status", "--json"))
    return int(status["completion"]["accepted"])


def count_requests(daemon: RunningDaemon) -> int:
    """Return how many suggestions were requested from the daemon."""
    status = json.loads(run_copilotd(daemon.env, "status", "--json"))
    return int(status["completion"]["requests"])


def open_light_bulb(window: Workbench, title: str) -> list[str]:
    """Open the light bulb; return its titles once `title` is one of them."""
    window.press("Control+.")
    rows = window.find(".action-widget .monaco-list-row .title")
    return window.wait_until(rows.all_inner_texts, lambda titles: title in titles)


def find_daemon_pid(daemon: RunningDaemon) -> int:
    """Return the process id of the running daemon, or 0 if none runs."""
    try:
        return int(json.loads(run_copilotd(daemon.env, "status", "--json"))["pid"])
    except SystemExit:
        return 0


def test_the_completion_of_the_model_is_inserted_into_the_file(
    open_window: Open, daemon: RunningDaemon
) -> None:
    before = count_accepted(daemon)
    window = open_window()
    type_until_sum(window)
    window.save_screenshot("ghost-text")
    window.press("Tab")
    window.wait_until(window.read_ghost_text, lambda ghost: "a + b" not in ghost)
    window.press("Escape")
    assert window.save_and_read().startswith("def add(a, b):\n    return a + b")
    window.wait_until(lambda: count_accepted(daemon), lambda count: count == before + 1)


def test_words_and_lines_are_accepted_one_by_one(open_window: Open, daemon: RunningDaemon) -> None:
    before = count_accepted(daemon)
    window = open_window()
    type_until_sum(window)
    window.press("Control+ArrowRight")
    window.wait_until(window.read_ghost_text, lambda ghost: ghost == " + b")
    window.press("Control+Alt+ArrowRight")
    window.wait_until(window.read_ghost_text, lambda ghost: "+ b" not in ghost)
    window.press("Escape")
    assert window.save_and_read().startswith("def add(a, b):\n    return a + b")
    window.wait_until(lambda: count_accepted(daemon), lambda count: count > before)


def test_auto_closed_brackets_are_not_doubled(open_window: Open) -> None:
    window = open_window(text=f"{MEAN}\n\n")
    window.press("Control+End")
    window.type("print(mean([1, 2, 3")
    ghost = window.wait_until(window.read_ghost_text)
    window.press("Tab")
    window.wait_until(window.read_ghost_text, lambda shown: shown != ghost)
    window.press("Escape")
    last = window.save_and_read().rstrip("\n").split("\n")[-1]
    assert last != "print(mean([1, 2, 3]))"
    compile(last, "last line", "exec")


def test_a_dismissed_suggestion_stays_away(open_window: Open) -> None:
    window = open_window()
    type_until_sum(window)
    window.press("Escape")
    window.wait_until(window.read_ghost_text, lambda ghost: ghost == "")
    window.type("x")
    window.press("Backspace", "Escape")
    assert window.save_and_read() == "def add(a, b):\n    return "


def test_a_paused_window_suggests_nothing(open_window: Open) -> None:
    window = open_window()
    window.run_command("copilotd: Pause until Resumed")
    window.wait_until(window.read_status, lambda status: status == "copilotd: paused")
    window.type("def add(a, b):\nreturn ")
    window.run_command("copilotd: Resume")
    window.wait_until(window.read_status, lambda status: status == "copilotd")
    assert window.read_ghost_text() == ""
    window.press("Alt+\\")
    window.wait_until(window.read_ghost_text, lambda ghost: ghost == "a + b")


def test_several_cursors_and_a_selection_get_no_suggestion(
    open_window: Open, daemon: RunningDaemon
) -> None:
    window = open_window(text="def add(a, b):\n    \n\ndef sub(a, b):\n    \n")
    window.press("Control+Home", "ArrowDown", "End", *["Control+Alt+ArrowDown"] * 3)
    before = count_requests(daemon)
    window.type("return ")
    window.press("Alt+\\", "Escape", "Control+End", "Shift+ArrowUp", "Alt+\\")
    # Commands of the palette run after VS Code has asked for what was typed.
    window.run_command("copilotd: Pause until Resumed")
    window.wait_until(window.read_status, lambda status: status == "copilotd: paused")
    assert count_requests(daemon) == before


def test_a_cell_of_a_notebook_gets_suggestions(open_window: Open) -> None:
    window = open_window()
    notebook = window.file.with_name("mean.ipynb")
    notebook.write_text(NOTEBOOK)
    window.open_cell(notebook)
    type_until_sum(window)
    window.press("Tab")
    window.wait_until(window.read_ghost_text, lambda ghost: "a + b" not in ghost)
    window.press("Escape", "Control+s")
    window.wait_until(notebook.read_text, lambda text: "    return a + b" in text)


def test_the_explanation_of_a_suggestion_can_be_opened(open_window: Open) -> None:
    window = open_window()
    type_until_sum(window)
    window.run_command("copilotd: Explain the Last Suggestion")
    seen = window.wait_until(
        lambda: window.find('.monaco-editor[data-uri^="copilotd:"]').all_inner_texts(),
        lambda texts: any("shown" in text for text in texts),
    )
    assert "fim_prefix" in seen[0]


def test_an_explanation_is_streamed_into_the_chat(open_window: Open) -> None:
    window = open_window(text=MEAN)
    page = open_chat(window)
    page.evaluate(KEEP_WHAT_IS_SHOWN)
    window.editor.click()
    select_lines(window, 2)
    window.run_command("copilotd: Explain")
    window.wait_until(lambda: page.locator(".answer").count())
    answer = wait_for_answer(window, page)
    assert "mean" in answer
    before_the_end = [text for label, text in page.evaluate("shown") if label == "Stop"]
    assert len(set(before_the_end) - {"", answer}) > 1
    assert page.locator(".question").inner_text() == "/explain\n\nsums.py:1-2"


def test_code_of_an_answer_is_inserted_and_the_chat_stays(open_window: Open) -> None:
    window = open_window()
    page = open_chat(window)
    page.fill("#question", "Write a Python function add(a, b). Only the code, no explanation.")
    page.press("#question", "Enter")
    wait_for_answer(window, page)
    window.save_screenshot("chat")
    page.locator("button.insert").first.click()
    code = page.locator(".answer pre").first.inner_text().rstrip("\n")
    assert "def add(" in code
    window.wait_until(lambda: window.save_and_read().rstrip("\n") == code)
    window.run_command("copilotd: New Chat")
    window.wait_until(lambda: page.locator(".answer").count() == 0)
    window.run_command("copilotd: Earlier Chats")
    window.find(".quick-input-list .monaco-list-row", "Write a Python function").first.click()
    window.wait_until(lambda: page.locator(".answer").count())


@pytest.fixture
def pending_edit(open_window: Open) -> Iterator[tuple[Workbench, "Frame"]]:
    """A chat with tools that asks the user whether the model may edit a file."""
    window = open_window("limits.py", "TIMEOUT_S = 10\n")
    page = open_chat(window)
    switch_tools(window, page, "true")
    ask = "Call apply_edit: in limits.py replace `TIMEOUT_S = 10` by `TIMEOUT_S = 30`."
    page.fill("#question", ask)
    page.press("#question", "Enter")
    window.wait_until(lambda: page.locator(".approval").count())
    yield window, page
    # VS Code stores this setting for the user. Wait until it is stored: the next window reads it.
    switch_tools(window, page, "false")


def switch_tools(window: Workbench, page: "Frame", on: str) -> None:
    page.click("#tools")
    window.wait_until(lambda: page.get_attribute("#tools", "aria-pressed"), lambda seen: seen == on)


def test_a_tool_changes_a_file_once_the_user_allows_it(
    pending_edit: tuple[Workbench, "Frame"],
) -> None:
    window, page = pending_edit
    assert "+TIMEOUT_S = 30" in page.locator(".approval").inner_text()
    window.save_screenshot("approval")
    assert window.file.read_text() == "TIMEOUT_S = 10\n"
    page.locator(".approval .once").click()
    window.wait_until(window.file.read_text, lambda text: text == "TIMEOUT_S = 30\n")
    wait_for_answer(window, page)
    window.save_screenshot("tools")
    page.locator(".tool-call .undo").first.click()
    window.wait_until(window.file.read_text, lambda text: text == "TIMEOUT_S = 10\n")


def test_a_tool_call_that_the_user_denies_is_not_run(
    pending_edit: tuple[Workbench, "Frame"],
) -> None:
    window, page = pending_edit
    page.locator(".approval .deny").click()
    window.wait_until(lambda: page.locator(".tool-call.failed").count())
    page.locator("#send").click()
    assert window.save_and_read() == "TIMEOUT_S = 10\n"


def test_an_answer_can_be_stopped(open_window: Open) -> None:
    window = open_window()
    page = open_chat(window)
    page.fill("#question", ANSWERED_AT_LENGTH)
    page.press("#question", "Enter")
    window.wait_until(lambda: page.locator(".answer").inner_text(), lambda text: "2" in text)
    page.locator("#send").click()
    assert wait_for_answer(window, page).endswith("Stopped.")


def test_an_edit_is_shown_as_a_diff_and_made_when_the_user_accepts_it(open_window: Open) -> None:
    window = open_window(text=LOOP)
    select_lines(window, 6)
    window.press("Control+Alt+e")
    window.find(".quick-input-widget input").first.fill("Rename the parameter items to products.")
    window.press("Enter")
    wait_for_proposal(window, lambda text: "\u00a0in\u00a0products" in text)
    window.wait_until(lambda: window.find(".monaco-diff-editor .line-insert").count())
    window.save_screenshot("edit")
    assert window.file.read_text() == LOOP
    window.press("Control+Enter")
    window.wait_until(lambda: window.find(".monaco-diff-editor").count() == 0)
    window.wait_until(lambda: "total(self, products)" in window.save_and_read())


def test_a_rejected_edit_does_not_change_the_file(open_window: Open) -> None:
    window = open_window(text=LOOP)
    select_lines(window, 6)
    window.run_command("copilotd: Document")
    wait_for_proposal(window, lambda text: '"""' in text)
    window.run_command("copilotd: Reject the Edit")
    window.wait_until(lambda: window.find(".monaco-diff-editor").count() == 0)
    assert window.file.read_text() == LOOP


def test_the_light_bulb_offers_commands_for_the_selected_code(open_window: Open) -> None:
    window = open_window(text=LOOP)
    select_lines(window, 6)
    offered = open_light_bulb(window, "Document with copilotd")
    assert {title for title in offered if "copilotd" in title} == {
        "Edit with copilotd…",
        "Document with copilotd",
        "Generate tests with copilotd",
        "Explain with copilotd",
    }
    window.find(".action-widget .monaco-list-row", "Document with copilotd").first.click()
    wait_for_proposal(window, lambda text: '"""' in text)


def test_the_light_bulb_proposes_a_fix_of_a_reported_error(open_window: Open) -> None:
    text = '{\n  "timeout": 10,,\n  "tries": 3\n}\n'
    window = open_window("limits.json", text)
    window.wait_until(lambda: window.find(".squiggly-error").count())
    window.press("Control+Home", "ArrowDown", "End")
    open_light_bulb(window, "Fix with copilotd")
    window.find(".action-widget .monaco-list-row", "Fix with copilotd").first.click()
    # What a small model makes of it is another matter.
    window.wait_until(lambda: window.find(".monaco-diff-editor .line-delete").count())
    window.run_command("copilotd: Reject the Edit")
    window.wait_until(lambda: window.find(".monaco-diff-editor").count() == 0)
    assert window.save_and_read() == text


def test_a_commit_message_is_written_into_the_input_box_of_git(
    open_window: Open, tmp_path: Path
) -> None:
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
    window.wait_until(lambda: window.find(".scm-view .monaco-list-row", "limits.py").count())
    window.run_command("copilotd: Write the Commit Message")
    window.wait_until(lambda: box.first.inner_text().lower(), lambda text: "timeout" in text)


def test_the_participant_answers_in_the_chat_of_vs_code(open_window: Open) -> None:
    window = open_window(text=MEAN)
    window.run_command("Chat: Open Chat")
    picker = window.find(".interactive-session .chat-input-toolbars")
    window.wait_until(lambda: " ".join(picker.all_inner_texts()), lambda text: "(copilotd)" in text)
    editor = window.find(".interactive-session .monaco-editor").last
    editor.click()
    window.type("@copilotd ")
    window.type("What is 2 + 3? Answer with the number.")
    window.press("Escape", "Enter")
    answer = window.find(".interactive-response .rendered-markdown")
    window.wait_until(lambda: " ".join(answer.all_inner_texts()), lambda text: "5" in text)


def test_a_killed_daemon_is_replaced(open_window: Open, daemon: RunningDaemon) -> None:
    window = open_window()
    type_until_sum(window)
    killed = find_daemon_pid(daemon)
    os.kill(killed, signal.SIGKILL)
    window.press("Escape")
    window.type("a")
    window.wait_until(lambda: find_daemon_pid(daemon), lambda pid: pid not in (0, killed))
    window.press("Backspace")
    window.wait_until(window.read_ghost_text, lambda ghost: ghost == "a + b")


def test_two_windows_share_one_worker(open_window: Open, daemon: RunningDaemon) -> None:
    type_until_sum(open_window("one.py"))
    type_until_sum(open_window("two.py"))
    children = psutil.Process(find_daemon_pid(daemon)).children(recursive=True)
    assert sum("copilotd.engine.worker.main" in child.cmdline() for child in children) == 1
