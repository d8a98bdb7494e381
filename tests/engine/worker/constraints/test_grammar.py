"""Where a lazy grammar begins to hold, whatever the model wrote up to there."""

import numpy as np
import pytest
from llguidance import LLTokenizer

from copilotd.chat.tool_calls.formats import HERMES
from copilotd.chat.tool_calls.grammar import MarkSymbols, build_call_grammar
from copilotd.chat.tool_calls.types import ToolDefinition, ToolSet
from copilotd.engine.worker.constraints.grammar import GrammarMatcher

TIME = ToolDefinition(
    "time", "", {"type": "object", "properties": {"zone": {"enum": ["UTC"]}}, "required": ["zone"]}
)
MARKS = MarkSymbols('"<tool_call>"', '"</tool_call>"')


def guide(sure: float = 0.0) -> GrammarMatcher:
    grammar = build_call_grammar(ToolSet((TIME,)), HERMES, MARKS, None, sure)
    openings = np.array([ord("{"), ord("`"), ord("<")])
    return GrammarMatcher(LLTokenizer("byte"), grammar, openings)


def allowed(guided: GrammarMatcher) -> set[str]:
    """The characters that may come next."""
    return {chr(one) for one in np.flatnonzero(guided.apply(np.zeros(256, np.float32)) == 0)}


def write(guided: GrammarMatcher, text: str) -> None:
    for byte in text.encode():
        guided.accept(byte, bytes([byte]))


def follows(guided: GrammarMatcher) -> str:
    """What can only follow, until several things can; of white space, none."""
    text = ""
    while len(next_ones := allowed(guided) - set(" \n\r\t")) == 1:
        write(guided, *next_ones)
        text += next_ones.pop()
    return text


@pytest.mark.parametrize(
    "begun",
    [
        '<tool_call>\n{"name',
        '<tool_call> {\n"name',
        '{"name',
        '{\n  "name',
        '```json\n{\n  "name',
        '```\n{ "name',
    ],
)
def test_a_call_keeps_to_its_schema_however_it_was_begun(begun: str) -> None:
    guided = guide()
    write(guided, begun)
    assert follows(guided) == '":"time","arguments":{"zone":"UTC"}}'


def test_a_bare_call_may_go_on_on_lines_and_end_its_block() -> None:
    guided = guide()
    text = '{\n  "name": "time",\n  "arguments": {\n    "zone": "UTC"\n  }\n}\n'
    write(guided, "```json\n" + text)
    assert "`" in allowed(guided)
    write(guided, "```")
    assert guided.is_done


@pytest.mark.parametrize("begun", ["It is ", '{"age', 'Say `{"name'])
def test_what_does_not_begin_like_a_call_is_free(begun: str) -> None:
    guided = guide()
    write(guided, begun)
    assert guided.is_waiting


def test_white_space_has_an_end() -> None:
    guided = guide()
    write(guided, '{\n  "name":' + "\n" + 32 * " ")
    assert allowed(guided) == {'"'}


def first(guided: GrammarMatcher, **likely: float) -> str:
    """What is chosen first, by how likely each character is."""
    logits = np.full(256, -np.inf, np.float32)
    for name, probability in likely.items():
        logits[ord(OPENING.get(name, name))] = np.log(probability)
    return chr(int(guided.apply(logits).argmax()))


OPENING = {"brace": "{", "tick": "`"}


def test_an_answer_is_a_call_only_if_that_is_likely_enough() -> None:
    assert first(guide(0.75), brace=0.4, tick=0.3, I=0.3) == "I"
    assert first(guide(0.75), brace=0.5, tick=0.3, I=0.2) == "{"
    assert first(guide(), brace=0.4, tick=0.1, I=0.3) == "{"


def test_white_space_decides_nothing_and_words_do() -> None:
    guided = guide(0.75)
    write(guided, "\n")
    assert first(guided, brace=0.6, I=0.4) == "I"
    write(guided, "I")
    assert first(guided, brace=0.6, I=0.4) == "{"
