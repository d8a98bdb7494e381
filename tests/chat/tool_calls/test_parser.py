"""Calls are separated from the text of an answer."""

import itertools
import json

import pytest

from copilotd.chat.tool_calls.formats import HERMES, LLAMA_3, MISTRAL, CallFormat
from copilotd.chat.tool_calls.parser import ToolCallParser
from copilotd.prompt.messages import ToolCall

NAMES = {"add", "find"}


def parse(
    call_format: CallFormat, text: str, size: int, *, in_call: bool = False
) -> list[str | ToolCall]:
    """Parse `text` in pieces of `size`; texts next to each other are joined."""
    ids = (f"c{n}" for n in itertools.count(1))
    parser = ToolCallParser(call_format, lambda: next(ids), NAMES)
    if in_call:
        parser.begin_in_call()
    parts: list[str | ToolCall] = []
    for at in range(0, len(text), size):
        parts += parser.push(text[at : at + size])
    return join_texts([*parts, *parser.finish()])


def join_texts(parts: list[str | ToolCall]) -> list[str | ToolCall]:
    joined: list[str | ToolCall] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def add_call(id: str = "c1", **arguments: object) -> ToolCall:
    return ToolCall(id, "add", json.dumps(arguments or {"a": 1}))


ADD = '{"name": "add", "arguments": {"a": 1}}'


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Nothing to call.", ["Nothing to call."]),
        (f"<tool_call>\n{ADD}\n</tool_call>", [add_call()]),
        (f"I add.\n<tool_call>\n{ADD}\n</tool_call>\n", ["I add.", add_call()]),
        (
            f"<tool_call>\n{ADD}\n</tool_call>\n<tool_call>\n{ADD}\n</tool_call>",
            [add_call("c1"), add_call("c2")],
        ),
        (f"<tool_call>{ADD}</tool_call> Done.", [add_call(), " Done."]),
        # Small models leave the marks out, or write a code block instead.
        (ADD, [add_call()]),
        (f"```json\n{ADD}\n```", [add_call()]),
        (f"```\n{ADD}\n```\n", [add_call()]),
        # An end mark inside a string does not end the call.
        (
            '<tool_call>{"name": "add", "arguments": {"a": "</tool_call> \\"}{"}}</tool_call>',
            [add_call(a='</tool_call> "}{')],
        ),
        # These are text: another function, other JSON, code, a broken object.
        ('{"name": "other", "arguments": {}}', ['{"name": "other", "arguments": {}}']),
        ('{"name": "add"}', ['{"name": "add"}']),
        ('{"prime": 97}', ['{"prime": 97}']),
        ("```python\nadd(1)\n```", ["```python\nadd(1)\n```"]),
        ("<tool_call>\n{broken}\n", ["\n{broken}\n"]),
        ('<tool_call>\n{"name": "add", "argu', ['\n{"name": "add", "argu']),
        ("a < b <tool", ["a < b <tool"]),
    ],
)
def test_calls_are_separated_from_text_however_the_output_is_split(
    text: str, parts: list[str | ToolCall], size: int
) -> None:
    assert parse(HERMES, text, size) == parts


@pytest.mark.parametrize("size", [1, 1000])
def test_an_array_holds_several_calls(size: int) -> None:
    text = f"[TOOL_CALLS][{ADD}, {ADD}]"
    assert parse(MISTRAL, text, size) == [add_call("c1"), add_call("c2")]


@pytest.mark.parametrize("size", [1, 1000])
def test_llama_3_writes_parameters_and_no_marks(size: int) -> None:
    assert parse(LLAMA_3, '{"name": "add", "parameters": {"a": 1}}', size) == [add_call()]


def test_after_a_start_mark_in_the_prompt_a_call_is_expected() -> None:
    assert parse(HERMES, f"{ADD}\n</tool_call>", 5, in_call=True) == [add_call()]
