"""Token healing: the output continues an unfinished word, in whatever tokens the model likes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilotd.engine.worker.constraints.token_healing import Constraint, split
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.token_bytes import Pieces

WORDS = [b"a", b"ab", b"abc", b"b", b"bc", b"c", b"", b" a", b" ", "é".encode(), b"\xc3", b"\xa9"]
PIECES = Pieces(WORDS)


def scores(**likes: float) -> Logits:
    """Logits that like the named words, and all others not."""
    return np.array([likes.get(word.decode("latin-1"), 0.0) for word in WORDS], dtype=np.float32)


def greedy(text: bytes, likes: Logits) -> bytes:
    """What is written for `text` until the constraint is met."""
    constraint = Constraint(PIECES, text)
    written = b""
    while constraint.rest:
        token = int(constraint.apply(likes).argmax())
        written += WORDS[token]
        constraint.accept(WORDS[token])
    return written


def test_tokens_that_begin_with_the_text_or_begin_it_are_compatible() -> None:
    assert sorted(WORDS[i] for i in PIECES.compatible(b"ab")) == [b"a", b"ab", b"abc"]
    assert sorted(WORDS[i] for i in PIECES.compatible(b" a")) == [b" ", b" a"]
    assert PIECES.compatible(b"xyz").tolist() == []


def test_the_best_token_that_keeps_to_the_text_is_chosen() -> None:
    constraint = Constraint(PIECES, b"ab")
    chosen = int(constraint.apply(scores(b=9.0, abc=2.0, a=1.0)).argmax())
    assert WORDS[chosen] == b"abc"
    assert (constraint.accept(b"abc"), constraint.rest) == (b"c", b"")


def test_a_token_that_falls_short_leaves_the_rest_to_the_next() -> None:
    constraint = Constraint(PIECES, b"ab")
    assert (constraint.accept(b"a"), constraint.rest) == (b"", b"b")


def test_control_tokens_are_never_chosen() -> None:
    assert WORDS.index(b"") not in PIECES.compatible(b"a")


def test_a_character_may_be_written_byte_by_byte() -> None:
    likes = scores(**{"\xc3": 5.0, "\xa9": 4.0})
    assert greedy("é".encode(), likes) == "é".encode()


def test_without_text_nothing_is_ruled_out() -> None:
    likes = scores(c=1.0)
    assert Constraint(PIECES, b"").apply(likes) is likes


@given(st.text("abc é", min_size=1, max_size=6), st.lists(st.floats(-5, 5), min_size=12))
def test_whatever_the_model_likes_the_output_begins_with_the_text(
    text: str, likes: list[float]
) -> None:
    assert greedy(text.encode(), np.array(likes[:12], dtype=np.float32)).startswith(text.encode())


@given(st.binary(min_size=1, max_size=4))
def test_compatible_is_what_comparing_every_token_finds(text: bytes) -> None:
    tokens = [bytes(p) for n in (1, 2) for p in itertools.product(b"\x00a\xc3\xff", repeat=n)]
    found = {tokens[i] for i in Pieces(tokens).compatible(text)}
    assert found == {t for t in tokens if t.startswith(text) or text.startswith(t)}


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        ([], 0),
        ([b"return", b" x"], 1),
        ([b"x", b" =", b" ret", b"u"], 2),
        ([b"):\n", b"    "], 1),
        ([b"x", b".app", b"end", b"_", b"all"], 1),
        ([b"# na", "ï".encode(), b"ve"], 0),
        ([b"a"] * 100, 84),
    ],
)
def test_what_is_kept_ends_before_the_last_word(pieces: list[bytes], kept: int) -> None:
    assert split(pieces) == kept
