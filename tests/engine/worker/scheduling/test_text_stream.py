"""Text leaves the engine in whole characters, and nothing of a stop string does."""

import pytest

from copilotd.engine.types import TokenLogprob
from copilotd.engine.worker.scheduling.text_stream import TextStream


def stream(stop: list[str], pieces: list[bytes]) -> list[str]:
    out = TextStream(stop)
    texts = []
    for data in pieces:
        piece = out.push(data)
        texts.append(piece.text)
        if piece.stopped:
            return texts
    return [*texts, out.finish().text]


def test_a_character_is_held_back_until_its_last_byte() -> None:
    snake = "🐍".encode()
    assert stream([], [b"a", snake[:1], snake[1:3], snake[3:], b"b"]) == [
        "a",
        "",
        "",
        "🐍",
        "b",
        "",
    ]


def test_half_a_character_at_the_end_is_dropped() -> None:
    assert stream([], [b"ok", "é".encode()[:1]]) == ["ok", "", ""]


def test_a_stop_string_across_tokens_is_cut_off() -> None:
    assert stream(["\n\nclass"], [b"x\n", b"\n", b"cla", b"ss A"]) == ["x", "", "", ""]


def test_text_that_only_began_like_a_stop_string_is_sent() -> None:
    assert stream(["###"], [b"a#", b"# b"]) == ["a", "## b", ""]


def test_the_earliest_of_several_stop_strings_decides() -> None:
    assert stream(["bc", "b"], [b"abcd"]) == ["a"]


def test_a_stop_string_may_contain_characters_of_several_bytes() -> None:
    assert stream(["é!"], [b"a\xc3", b"\xa9", b"!x"]) == ["a", "", ""]


def test_an_empty_stop_string_never_stops() -> None:
    assert stream([""], [b"ab"]) == ["ab", ""]


@pytest.mark.parametrize(("stop", "shown"), [([], [b"a", b"bc"]), (["c"], [b"a", b"bc"])])
def test_log_probabilities_come_with_the_text_they_belong_to(
    stop: list[str], shown: list[bytes]
) -> None:
    out = TextStream(stop)
    first = out.push(b"a", TokenLogprob(1, b"a", -0.1))
    second = out.push(b"bc", TokenLogprob(2, b"bc", -0.2))
    assert [t.text for t in (*first.tokens, *second.tokens)] == shown
