"""Text leaves the engine in whole characters, and no part of a stop string does."""

import pytest

from copilotd.engine.types import TokenLogprob
from copilotd.engine.worker.scheduling.text_stream import TextStream


def stream_texts(stop: list[str], pieces: list[bytes]) -> list[str]:
    output = TextStream(stop)
    texts = []
    for data in pieces:
        delta = output.push(data)
        texts.append(delta.text)
        if delta.stopped:
            return texts
    return [*texts, output.flush().text]


def test_a_character_is_held_back_until_its_last_byte() -> None:
    snake = "🐍".encode()
    assert stream_texts([], [b"a", snake[:1], snake[1:3], snake[3:], b"b"]) == [
        "a",
        "",
        "",
        "🐍",
        "b",
        "",
    ]


def test_an_incomplete_character_at_the_end_is_dropped() -> None:
    assert stream_texts([], [b"ok", "é".encode()[:1]]) == ["ok", "", ""]


def test_a_stop_string_that_spans_tokens_is_cut_off() -> None:
    assert stream_texts(["\n\nclass"], [b"x\n", b"\n", b"cla", b"ss A"]) == ["x", "", "", ""]


def test_text_that_only_begins_like_a_stop_string_is_sent() -> None:
    assert stream_texts(["###"], [b"a#", b"# b"]) == ["a", "## b", ""]


def test_the_earliest_of_several_stop_strings_decides() -> None:
    assert stream_texts(["bc", "b"], [b"abcd"]) == ["a"]


def test_a_stop_string_may_contain_characters_of_several_bytes() -> None:
    assert stream_texts(["é!"], [b"a\xc3", b"\xa9", b"!x"]) == ["a", "", ""]


def test_an_empty_stop_string_never_stops() -> None:
    assert stream_texts([""], [b"ab"]) == ["ab", ""]


@pytest.mark.parametrize(("stop", "sent"), [([], [b"a", b"bc"]), (["c"], [b"a", b"bc"])])
def test_log_probabilities_come_with_the_text_they_belong_to(
    stop: list[str], sent: list[bytes]
) -> None:
    output = TextStream(stop)
    first = output.push(b"a", TokenLogprob(1, b"a", -0.1))
    second = output.push(b"bc", TokenLogprob(2, b"bc", -0.2))
    assert [t.text for t in (*first.tokens, *second.tokens)] == sent
