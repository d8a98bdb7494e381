"""Every example on the page for client authors is sent, and gets the answer shown there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import RawClient, at

PAGE = Path(__file__).parents[2] / "editors" / "PROTOCOL.md"
EXAMPLE = re.compile(r"^```json example=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
URI = "file:///w/app/sums.py"

# What the file holds and what the model writes, so that the page's answer comes out.
SCENES = {
    "inline-completion": ("def add()", "a, b):"),
    "chat": ("", "It adds two numbers."),
    "chat-tools": ("def add(a, b):\n    return a + b\n", "It adds two numbers."),
    "edit": ("def sum()\n", "def total()\n```"),
    "commit-message": ("", "Set x to 2"),
    "last-completion": ("def add()", "a, b):"),
}


READS = '<tool_call>\n{"name": "read_file", "arguments": {"path": "app/sums.py"}}\n</tool_call>'
FIRST = {"chat-tools": [READS]}


def examples() -> dict[str, Any]:
    return {name: json.loads(text) for name, text in EXAMPLE.findall(PAGE.read_text())}


def matches(shown: Any, got: Any) -> bool:
    """Whether `got` is what the page shows; "…" and "ID" stand for any text."""
    if isinstance(shown, dict):
        return isinstance(got, dict) and all(matches(v, got.get(k)) for k, v in shown.items())
    if isinstance(shown, list):
        return isinstance(got, list) and len(shown) == len(got) and all(map(matches, shown, got))
    return isinstance(got, str) if shown in ("…", "ID") else shown == got


def joined(values: list[Any]) -> list[Any]:
    """With pieces of text that follow one another in one."""
    whole: list[Any] = []
    for value in values:
        if "delta" in value and whole and "delta" in whole[-1]:
            value = {"delta": whole.pop()["delta"] + value["delta"]}
        whole.append(value)
    return whole


def test_every_example_has_a_scene() -> None:
    assert examples().keys() == SCENES.keys()


@pytest.mark.parametrize("name", SCENES)
async def test_an_example_gets_the_answer_that_is_shown(
    client: RawClient, daemon: FakeDaemon, name: str
) -> None:
    shown = examples()[name]
    text, daemon.model.text = SCENES[name]
    daemon.model.first = FIRST.get(name, [])
    await client.begin(textDocument={"inlineCompletion": {}})
    client.open(text, uri=URI)
    if name == "last-completion":
        await client.request("textDocument/inlineCompletion", at(0, 8, uri=URI))
    result = await client.request(shown["method"], shown["params"])
    assert matches(shown["result"], result), result
    pieces = [m["params"] for m in client.received if m["method"] == "$/progress"]
    wanted = shown.get("progress", [])
    assert matches([p["value"] for p in wanted], joined([p["value"] for p in pieces])), pieces
    assert {p["token"] for p in pieces} == {p["token"] for p in wanted}
