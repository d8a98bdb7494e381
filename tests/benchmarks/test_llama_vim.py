"""What the benchmark's copy of llama.vim sends, finds in its cache and shows."""

import pytest

from benchmarks.llama_vim.answer_cache import AnswerCache
from benchmarks.llama_vim.infill import Context, Reply, build_context, build_next_context
from benchmarks.llama_vim.ring import Ring
from benchmarks.llama_vim.suggestion import render_suggestion
from benchmarks.recording.buffer import Buffer
from benchmarks.recording.player import Work


def create_buffer(text: str) -> Buffer:
    """The buffer of `text`, with its cursor at the bar."""
    before, _, after = text.partition("|")
    buffer = Buffer("a.py", before + after)
    buffer.cursor = len(before)
    return buffer


def create_context(text: str) -> Context:
    buffer = create_buffer(text)
    return build_context(buffer, buffer.cursor)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a\n  b|c\nd", Context("a\n", "  b", "c\nd\n", 2, "c")),
        ("a\n  |\nd", Context("a\n", "", "\nd\n", 0, "")),
        ("|a", Context("\n", "", "a\n\n", 0, "a")),
    ],
)
def test_a_request_has_the_lines_above_the_line_and_what_follows(text: str, sent: Context) -> None:
    assert create_context(text) == sent


def test_the_number_of_lines_is_limited() -> None:
    lines = "\n".join(map(str, range(1000)))
    sent = create_context(lines.replace("\n500\n", "\n500|\n"))
    assert sent.prefix.split("\n")[0] == "244"
    assert sent.suffix == "\n" + "\n".join(map(str, range(501, 565))) + "\n"


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        (["bc"], Context("a\n", " bc", "\nd\n", 1)),
        (["b", " c"], Context("a\n b\n", " c", "\nd\n", 1)),
    ],
)
def test_the_next_suggestion_is_requested_behind_this_one(
    accepted: list[str], sent: Context
) -> None:
    buffer = create_buffer("a\n |\nd")
    assert build_next_context(buffer, buffer.cursor, accepted, indent=1) == sent


def test_text_typed_along_an_answer_shows_the_rest_of_it() -> None:
    answers = AnswerCache()
    reply = Reply("return a + b", Work())
    answers.remember(create_context("def f():\n    x|"), reply)
    assert answers.find(create_context("def f():\n    xreturn |")) == ("a + b", reply)
    assert answers.find(create_context("def f():\n    xreturm |")) is None


def test_an_answer_is_known_after_the_window_has_moved_three_lines() -> None:
    answers = AnswerCache()
    answers.remember(create_context("a\nb\nc\nd\ne|"), Reply("f", Work()))
    assert [answers.has(create_context(text)) for text in ("b\nc\nd\ne|", "d\ne|", "e|")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "answer", "shown"),
    [
        ("x = |\n", "1\n", ["1"]),
        ("f(|)\n", "1", ["1)"]),
        ("if a:\n    |\n", "    b\n    c", ["b", "    c"]),
        ("f(|)\n", ")", []),
        ("x = |\n", "\n\n", []),
        ("a|\nb\nc\n", "\nb\nc", []),
        ("a\n|\n\nb\nc\n", "b", []),
        ("a\n|\nb\nc\n", "b\nc", []),
        ("a\n|\nb\nc\nd\n", "b\nc\nd", []),
        ("a\n|\nb\nc\n", "b\nd", ["b", "d"]),
    ],
)
def test_text_that_is_already_there_is_not_suggested(
    text: str, answer: str, shown: list[str]
) -> None:
    assert render_suggestion(create_buffer(text), answer) == shown


def test_the_ring_takes_new_chunks_and_drops_similar_ones() -> None:
    ring = Ring()
    old, new = [str(n) for n in range(20)], [str(n) for n in range(1, 21)]
    ring.queue(old, "a.py", evict=False)
    ring.queue(new, "a.py", evict=False)
    assert ring.update() and not ring.update()
    assert ring.render_input_extra() == [{"text": "\n".join(old) + "\n", "filename": "a.py"}]
    ring.queue(new, "a.py", evict=True)
    assert ring.render_input_extra() == []
    assert ring.update()
    assert ring.render_input_extra() == [{"text": "\n".join(new) + "\n", "filename": "a.py"}]


def test_the_ring_drops_chunks_similar_to_the_text_around_the_cursor() -> None:
    ring = Ring()
    lines = [str(n) for n in range(20)]
    ring.queue(lines, "a.py", evict=True)
    ring.update()
    ring.evict_near(lines, "a.py")
    assert ring.render_input_extra() == []
