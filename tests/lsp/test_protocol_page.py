"""Sends every example on the page for client authors and compares the answer."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import RawClient, completion_params

PAGE = Path(__file__).parents[2] / "editors" / "PROTOCOL.md"
EXAMPLE = re.compile(r"^```json example=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
URI = "file:///w/app/sums.py"

# The text of the file, and the text that the model writes for the answer on the page.
SCENARIOS = {
    "inline-completion": ("def add()", "a, b):"),
    "selected-item": ("pri", "(total)"),
    "chat": ("", "It adds two numbers."),
    "chat-tools": ("def add(a, b):\n    return a + b\n", "It adds two numbers."),
    "edit": ("def sum()\n", "def total()\n```"),
    "commit-message": ("", "Set x to 2"),
    "last-completion": ("def add()", "a, b):"),
}


READ_CALL = '<tool_call>\n{"name": "read_file", "arguments": {"path": "app/sums.py"}}\n</tool_call>'
FIRST_TEXTS = {"chat-tools": [READ_CALL]}


def examples() -> dict[str, Any]:
    return {name: json.loads(text) for name, text in EXAMPLE.findall(PAGE.read_text())}


def matches(shown: Any, actual: Any) -> bool:
    """Whether `actual` is what the page shows; "…" and "ID" stand for any text."""
    if isinstance(shown, dict):
        return isinstance(actual, dict) and all(matches(v, actual.get(k)) for k, v in shown.items())
    if isinstance(shown, list):
        return (
            isinstance(actual, list)
            and len(shown) == len(actual)
            and all(map(matches, shown, actual))
        )
    return isinstance(actual, str) if shown in ("…", "ID") else shown == actual


def join_deltas(values: list[Any]) -> list[Any]:
    """`values` with adjacent deltas joined."""
    whole: list[Any] = []
    for value in values:
        if "delta" in value and whole and "delta" in whole[-1]:
            value = {"delta": whole.pop()["delta"] + value["delta"]}
        whole.append(value)
    return whole


def test_every_example_has_a_scenario() -> None:
    assert examples().keys() == SCENARIOS.keys()


@pytest.mark.parametrize("name", SCENARIOS)
async def test_an_example_gets_the_answer_on_the_page(
    client: RawClient, daemon: FakeDaemon, name: str
) -> None:
    shown = examples()[name]
    text, daemon.model.text = SCENARIOS[name]
    daemon.model.first_texts = FIRST_TEXTS.get(name, [])
    await client.initialize(textDocument={"inlineCompletion": {}})
    client.open_file(text, uri=URI)
    if name == "last-completion":
        await client.request("textDocument/inlineCompletion", completion_params(0, 8, uri=URI))
    result = await client.request(shown["method"], shown["params"])
    assert matches(shown["result"], result), result
    pieces = [m["params"] for m in client.received if m["method"] == "$/progress"]
    expected = shown.get("progress", [])
    assert matches([p["value"] for p in expected], join_deltas([p["value"] for p in pieces])), (
        pieces
    )
    assert {p["token"] for p in pieces} == {p["token"] for p in expected}
