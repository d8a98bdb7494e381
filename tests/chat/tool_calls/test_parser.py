import itertools
import json

import pytest

from copilotd.chat.tool_calls.formats import LISTED, PLAIN, TAGGED, Notation
from copilotd.chat.tool_calls.parser import CallReader
from copilotd.prompt.messages import ToolCall

NAMES = {"add", "find"}


def read(notation: Notation, text: str, size: int, *, opened: bool = False) -> list[str | ToolCall]:
    """What is read of `text` that comes in pieces of `size`; neighbouring texts are joined."""
    ids = (f"c{n}" for n in itertools.count(1))
    reader = CallReader(notation, lambda: next(ids), NAMES)
    if opened:
        reader.opened()
    found: list[str | ToolCall] = []
    for at in range(0, len(text), size):
        found += reader.push(text[at : at + size])
    return joined([*found, *reader.finish()])


def joined(found: list[str | ToolCall]) -> list[str | ToolCall]:
    whole: list[str | ToolCall] = []
    for one in found:
        if isinstance(one, str) and whole and isinstance(whole[-1], str):
            whole[-1] += one
        else:
            whole.append(one)
    return whole


def added(id: str = "c1", **arguments: object) -> ToolCall:
    return ToolCall(id, "add", json.dumps(arguments or {"a": 1}))


ADD = '{"name": "add", "arguments": {"a": 1}}'


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nothing to call.", ["Nothing to call."]),
        (f"<tool_call>\n{ADD}\n</tool_call>", [added()]),
        (f"I add.\n<tool_call>\n{ADD}\n</tool_call>\n", ["I add.", added()]),
        (
            f"<tool_call>\n{ADD}\n</tool_call>\n<tool_call>\n{ADD}\n</tool_call>",
            [added("c1"), added("c2")],
        ),
        (f"<tool_call>{ADD}</tool_call> Done.", [added(), " Done."]),
        # Small models leave the marks out, or write a code block.
        (ADD, [added()]),
        (f"```json\n{ADD}\n```", [added()]),
        (f"```\n{ADD}\n```\n", [added()]),
        # A closing mark inside of a string is none.
        (
            '<tool_call>{"name": "add", "arguments": {"a": "</tool_call> \\"}{"}}</tool_call>',
            [added(a='</tool_call> "}{')],
        ),
        # What is no call is text: another function, other JSON, code, a broken object.
        ('{"name": "other", "arguments": {}}', ['{"name": "other", "arguments": {}}']),
        ('{"name": "add"}', ['{"name": "add"}']),
        ('{"prime": 97}', ['{"prime": 97}']),
        ("```python\nadd(1)\n```", ["```python\nadd(1)\n```"]),
        ("<tool_call>\n{broken}\n", ["\n{broken}\n"]),
        ('<tool_call>\n{"name": "add", "argu', ['\n{"name": "add", "argu']),
        ("a < b <tool", ["a < b <tool"]),
    ],
)
def test_calls_are_told_from_text_however_the_output_is_cut(
    text: str, found: list[str | ToolCall], size: int
) -> None:
    assert read(TAGGED, text, size) == found


@pytest.mark.parametrize("size", [1, 1000])
def test_a_list_holds_several_calls(size: int) -> None:
    text = f"[TOOL_CALLS][{ADD}, {ADD}]"
    assert read(LISTED, text, size) == [added("c1"), added("c2")]


@pytest.mark.parametrize("size", [1, 1000])
def test_some_models_say_parameters_and_use_no_marks(size: int) -> None:
    assert read(PLAIN, '{"name": "add", "parameters": {"a": 1}}', size) == [added()]


def test_behind_an_opening_that_was_given_to_the_model_a_call_stands() -> None:
    assert read(TAGGED, f"{ADD}\n</tool_call>", 5, opened=True) == [added()]
