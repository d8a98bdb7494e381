"""A suggestion is painted in whole words and only grows."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilotd.completion.generation import Generation
from copilotd.completion.mode import choose_mode
from copilotd.completion.pieces import cut_at_boundary, is_worth_showing
from copilotd.completion.prompt_store import PromptStore
from copilotd.completion.types import Outcome, Shown, Trigger
from copilotd.config import CompletionSection
from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    GenerateRequest,
    Lane,
    Usage,
)
from copilotd.postprocess.context import CursorContext
from copilotd.prompt.budget import compute_budget
from tests.completion.test_generation import ManualEngine
from tests.cursor import build_request

DOCUMENTS = (
    ("x = ║\n", "python"),
    ("def f(values):\n    ║\n", "python"),
    ("def f(values):\n    ║\n    return 1\n\n\nprint(f(2))\n", "python"),
    ('def f(values):\n    """║\n', "python"),
    ("func f() int {\n\t║\n}\n", "go"),
    ("func f() int {║\n", "go"),
    ("function f() {\n  return ║\n}\n", "typescript"),
    ("call(║)\n", "typescript"),
    ("def f\n  ║\nend\n", "ruby"),
    ("jobs:\n  test:\n    ║\n", "yaml"),
    ("# Title\n\n║\n", "markdown"),
)
FRAGMENTS = (
    *("for word in words:", "if x", "else:", "return ", "def g(a):", "total", " = ", "value", "1"),
    *("(", ")", "[", "]", "{", "}", ", ", ";", ":", '"', '"""', "# Example usage", "// note", "="),
    *(
        "\n",
        "\n    ",
        "\n        ",
        "\n\t",
        "\n\n",
        "\n}",
        "\nend",
        "key: a",
        "do |x|",
        "print(f(2))",
    ),
    *(
        "Compute the mean.",
        "The code adds all the values of it.",
        "return 1",
        "你好",
        "\r\n",
        "```",
    ),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=16)


class PromptEngine(ManualEngine):
    """A manual engine that evaluates prompts by itself."""

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        if request.max_tokens == 0:
            yield Finished(FinishReason.LENGTH, Usage())
            return
        async for event in super().generate(request):
            yield event


async def paint(chunks: list[str], marked: str, language: str) -> tuple[list[str], Outcome]:
    """Let the model write `chunks`; return the painted pieces and the outcome."""
    request = build_request(marked, Trigger.AUTOMATIC, language=language)
    engine = PromptEngine(*chunks)
    document, offset = request.document, request.offset
    context = CursorContext(document, offset, choose_mode(document, offset), max_lines=4)
    budget = compute_budget(CompletionSection(), None)
    generation = Generation(context, budget, Lane.COMPLETION, engine, PromptStore(engine))
    pieces: list[str] = []
    with generation.task.awaiting():
        while not generation.done:
            engine.write()
            await generation.wait_for_progress(30)
            if not generation.done and (piece := generation.partial(request)):
                pieces.append(piece.completion.text)
    return pieces, generation.result()


@settings(max_examples=150, deadline=None, database=None)
@given(TEXTS, st.sampled_from(DOCUMENTS))
def test_each_piece_and_the_whole_begin_with_what_was_painted_before(
    chunks: list[str], place: tuple[str, str]
) -> None:
    pieces, outcome = asyncio.run(paint(chunks, *place))
    if pieces:
        assert isinstance(outcome, Shown), (pieces, outcome.reason)
        shown = [*pieces, outcome.completion.text]
        assert [a for a, b in pairwise(shown) if not b.startswith(a)] == []


@settings(max_examples=150, deadline=None, database=None)
@given(TEXTS, st.sampled_from(DOCUMENTS))
def test_the_first_piece_is_a_whole_word_and_about_ten_characters(
    chunks: list[str], place: tuple[str, str]
) -> None:
    pieces, _ = asyncio.run(paint(chunks, *place))
    assert all(len(piece.strip()) >= 10 for piece in pieces[:1])


async def test_a_piece_never_ends_in_the_middle_of_a_word() -> None:
    chunks = ["calcu", "late_", "total", "(val", "ues, ", "start=", "0", ")"]
    pieces, outcome = await paint(chunks, "x = ║\n", "python")
    assert pieces == [
        "calculate_total(",
        "calculate_total(values,",
        "calculate_total(values, start",
        "calculate_total(values, start=",
    ]
    assert isinstance(outcome, Shown)
    assert outcome.completion.text == "calculate_total(values, start=0)"


async def test_no_piece_is_painted_before_it_says_something() -> None:
    pieces, _ = await paint(
        ['"""', "Add", " two", " numbers", '."""'], "def f():\n    ║\n", "python"
    )
    assert pieces == ['"""Add two']


async def test_a_short_suggestion_that_is_finished_is_shown() -> None:
    pieces, outcome = await paint(["y"], "plot(x, ║)\n", "python")
    assert (pieces, isinstance(outcome, Shown)) == ([], True)


async def test_a_header_is_painted_with_the_statement_before_it_only_once_its_body_is_there() -> (
    None
):
    chunks = ["result = 0\n", "    for word in words:\n", "        result += 1\n", "    return"]
    pieces, outcome = await paint(chunks, "def f(words):\n    ║\n", "python")
    assert list(dict.fromkeys(pieces)) == [
        "result = 0",
        "result = 0\n    for word in words:\n        result += 1",
    ]
    assert isinstance(outcome, Shown)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("calcu", ""),
        ("calculate(val", "calculate("),
        ("a + b", "a +"),
        ("a =", "a"),
        ("f(a, ", "f(a,"),
        ("f(a)", "f(a)"),
        ('"""', ""),
        ("x = 1\ny", "x = 1\n"),
        ('print("你好', 'print("你好'),
    ],
)
def test_a_piece_ends_at_a_boundary(text: str, kept: str) -> None:
    assert cut_at_boundary(text) == kept


@pytest.mark.parametrize(
    ("text", "is_worth"),
    [
        ("return", False),
        ("if", False),
        ('"""', False),
        ("return total", True),
        ("(((((((((((", False),
    ],
)
def test_a_first_piece_says_something(text: str, is_worth: bool) -> None:
    assert is_worth_showing(text) is is_worth
