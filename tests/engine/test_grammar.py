"""Where a lazy grammar begins to hold, whatever the model wrote up to there."""

import numpy as np
import pytest
from llguidance import LLTokenizer

from copilotd.chat.calling.grammar import Marks, of_calls
from copilotd.chat.calling.notation import TAGGED
from copilotd.chat.calling.tools import Tool, Toolbox
from copilotd.engine.grammar import Guide

TIME = Tool(
    "time", "", {"type": "object", "properties": {"zone": {"enum": ["UTC"]}}, "required": ["zone"]}
)
MARKS = Marks('"<tool_call>"', '"</tool_call>"')


def guide() -> Guide:
    return Guide(LLTokenizer("byte"), of_calls(Toolbox((TIME,)), TAGGED, MARKS, None))


def written(guided: Guide, text: str) -> str:
    """What can only follow `text`, byte by byte, until several things can."""
    for byte in text.encode():
        guided.accept(byte, bytes([byte]))
    follows = ""
    while len(allowed := np.flatnonzero(guided.apply(np.zeros(256, np.float32)) == 0)) == 1:
        guided.accept(int(allowed[0]), bytes(allowed.tolist()))
        follows += chr(allowed[0])
    return follows


@pytest.mark.parametrize(
    "begun",
    ['<tool_call>\n{"name', '{"name', '```json\n{"name', '{\n  "name', '```\n{ "name'],
)
def test_a_call_keeps_to_the_grammar_however_it_was_begun(begun: str) -> None:
    assert written(guide(), begun) == '": "time", "arguments": {"zone": "UTC"}}'


@pytest.mark.parametrize("begun", ["It is ", '{"age', 'Say `{"name'])
def test_what_does_not_begin_like_a_call_is_free(begun: str) -> None:
    guided = guide()
    assert written(guided, begun) == ""
    assert guided.is_waiting
