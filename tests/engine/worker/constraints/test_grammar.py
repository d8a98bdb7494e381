"""When a lazy grammar starts to apply, whatever the model wrote before."""

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


def make_matcher(sure: float = 0.0) -> GrammarMatcher:
    grammar = build_call_grammar(ToolSet((TIME,)), HERMES, MARKS, None, sure)
    openings = np.array([ord("{"), ord("`"), ord("<")])
    return GrammarMatcher(LLTokenizer("byte"), grammar, openings)


def allowed(matcher: GrammarMatcher) -> set[str]:
    """The characters that may come next."""
    return {chr(one) for one in np.flatnonzero(matcher.apply(np.zeros(256, np.float32)) == 0)}


def write(matcher: GrammarMatcher, text: str) -> None:
    for byte in text.encode():
        matcher.accept(byte, bytes([byte]))


def write_forced(matcher: GrammarMatcher) -> str:
    """The text that the grammar forces, up to the first real choice; white space left out."""
    text = ""
    while len(next_ones := allowed(matcher) - set(" \n\r\t")) == 1:
        write(matcher, *next_ones)
        text += next_ones.pop()
    return text


@pytest.mark.parametrize(
    "opening",
    [
        '<tool_call>\n{"name',
        '<tool_call> {\n"name',
        '{"name',
        '{\n  "name',
        '```json\n{\n  "name',
        '```\n{ "name',
    ],
)
def test_a_call_follows_its_schema_however_it_begins(opening: str) -> None:
    matcher = make_matcher()
    write(matcher, opening)
    assert write_forced(matcher) == '":"time","arguments":{"zone":"UTC"}}'


def test_a_bare_call_may_span_lines_and_close_its_code_block() -> None:
    matcher = make_matcher()
    text = '{\n  "name": "time",\n  "arguments": {\n    "zone": "UTC"\n  }\n}\n'
    write(matcher, "```json\n" + text)
    assert "`" in allowed(matcher)
    write(matcher, "```")
    assert matcher.is_done


@pytest.mark.parametrize("opening", ["It is ", '{"age', 'Say `{"name'])
def test_output_that_does_not_begin_like_a_call_is_free(opening: str) -> None:
    matcher = make_matcher()
    write(matcher, opening)
    assert matcher.is_waiting


def test_white_space_is_limited() -> None:
    matcher = make_matcher()
    write(matcher, '{\n  "name":' + "\n" + 32 * " ")
    assert allowed(matcher) == {'"'}


def first_choice(matcher: GrammarMatcher, **probabilities: float) -> str:
    """The character that is chosen first, given the probability of each."""
    logits = np.full(256, -np.inf, np.float32)
    for name, probability in probabilities.items():
        logits[ord(OPENING.get(name, name))] = np.log(probability)
    return chr(int(matcher.apply(logits).argmax()))


OPENING = {"brace": "{", "tick": "`"}


def test_the_output_begins_with_a_call_only_if_that_is_likely_enough() -> None:
    assert first_choice(make_matcher(0.75), brace=0.4, tick=0.3, I=0.3) == "I"
    assert first_choice(make_matcher(0.75), brace=0.5, tick=0.3, I=0.2) == "{"
    assert first_choice(make_matcher(), brace=0.4, tick=0.1, I=0.3) == "{"


def test_the_choice_is_made_at_the_first_character_that_is_not_white_space() -> None:
    matcher = make_matcher(0.75)
    write(matcher, "\n")
    assert first_choice(matcher, brace=0.6, I=0.4) == "I"
    write(matcher, "I")
    assert first_choice(matcher, brace=0.6, I=0.4) == "{"
