"""Chat, edits and commit messages over LSP with the real model."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.lsp import raw_client
from tests.lsp.raw_client import URI, Json, RawClient

pytestmark = pytest.mark.model

LOOP = """import sys


class Cart:
    def total(self, items):
        result = 0
        for item in items:
            result += item.price
        return result


print(sys.argv)
"""
DIFF = """diff --git a/app/config.py b/app/config.py
--- a/app/config.py
+++ b/app/config.py
@@ -1,2 +1,2 @@
-TIMEOUT_S = 10
+TIMEOUT_S = 30
"""


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


@pytest.fixture
async def editor(
    daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[RawClient, None]:
    monkeypatch.setattr(raw_client, "TIMEOUT_S", 100.0)
    client = await RawClient.connect(daemon.socket)
    await client.initialize()
    yield client
    await client.shut_down()


def join_deltas(client: RawClient) -> str:
    sent = [m["params"] for m in client.received if m["method"] == "$/progress"]
    return "".join(p["value"]["delta"] for p in sent if p["token"] == "t")


def apply_edit(text: str, result: Any) -> str:
    """Return the file with the edit applied; its range is whole lines."""
    lines = text.splitlines(keepends=True)
    first, last = (result["range"][end]["line"] for end in ("start", "end"))
    return "".join((*lines[:first], result["newText"], *lines[last:]))


def edit_params(first_line: int, end_line: int, **options: Any) -> Json:
    positions = [{"line": line, "character": 0} for line in (first_line, end_line)]
    return {
        "textDocument": {"uri": URI},
        "range": {"start": positions[0], "end": positions[1]},
        "partialResultToken": "t",
        **options,
    }


async def test_an_explanation_is_streamed(editor: RawClient) -> None:
    turn = {
        "role": "user",
        "command": "explain",
        "code": {"text": LOOP, "path": "cart.py", "language": "python", "line": 0},
    }
    params = {"messages": [turn], "partialResultToken": "t"}
    result = await editor.request("copilotd/chat", params)
    assert join_deltas(editor) == result["content"]
    assert "total" in result["content"]
    assert result["finishReason"] == "stop"


async def test_a_rewritten_method_keeps_its_place_in_the_class(editor: RawClient) -> None:
    editor.open_file(LOOP)
    params = edit_params(4, 9, instruction="Rename the parameter items to products.")
    result = await editor.request("copilotd/edit", params)
    assert join_deltas(editor) == result["newText"]
    names: dict[str, Any] = {}
    exec(compile(apply_edit(LOOP, result), "cart.py", "exec"), names)
    parameters = names["Cart"].total.__code__.co_varnames
    assert parameters[:2] == ("self", "products")


async def test_a_documented_function_still_works(editor: RawClient) -> None:
    text = "def area(width, height):\n    return width * height\n"
    editor.open_file(text)
    result = await editor.request("copilotd/edit", edit_params(0, 2, command="doc"))
    names: dict[str, Any] = {}
    exec(compile(apply_edit(text, result), "area.py", "exec"), names)
    assert names["area"](3, 4) == 12
    assert names["area"].__doc__


async def test_a_commit_message_describes_the_change_in_one_line(editor: RawClient) -> None:
    result = await editor.request("copilotd/commitMessage", {"diff": DIFF})
    assert "timeout" in result["message"].lower()
    assert "\n" not in result["message"]
