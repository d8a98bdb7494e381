"""Token healing: the output continues an unfinished word in whatever tokens the model prefers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilotd.engine.worker.constraints.token_healing import Constraint, count_safe_tokens
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.token_bytes import TokenBytes

WORDS = [b"a", b"ab", b"abc", b"b", b"bc", b"c", b"", b" a", b" ", "é".encode(), b"\xc3", b"\xa9"]
PIECES = TokenBytes(WORDS)


def make_logits(**preferences: float) -> Logits:
    """The given logits for the named words, and 0 for all others."""
    return np.array(
        [preferences.get(word.decode("latin-1"), 0.0) for word in WORDS], dtype=np.float32
    )


def generate_greedily(text: bytes, preferences: Logits) -> bytes:
    """The output for the unfinished `text`, up to where the constraint is met."""
    constraint = Constraint(PIECES, text)
    written = b""
    while constraint.remaining:
        token = int(constraint.apply(preferences).argmax())
        written += WORDS[token]
        constraint.accept(WORDS[token])
    return written


def test_tokens_are_compatible_if_they_begin_with_the_text_or_the_text_with_them() -> None:
    assert sorted(WORDS[i] for i in PIECES.find_compatible(b"ab")) == [b"a", b"ab", b"abc"]
    assert sorted(WORDS[i] for i in PIECES.find_compatible(b" a")) == [b" ", b" a"]
    assert PIECES.find_compatible(b"xyz").tolist() == []


def test_the_best_token_that_agrees_with_the_text_is_chosen() -> None:
    constraint = Constraint(PIECES, b"ab")
    chosen = int(constraint.apply(make_logits(b=9.0, abc=2.0, a=1.0)).argmax())
    assert WORDS[chosen] == b"abc"
    assert (constraint.accept(b"abc"), constraint.remaining) == (b"c", b"")


def test_a_token_shorter_than_the_text_leaves_the_rest_to_the_next() -> None:
    constraint = Constraint(PIECES, b"ab")
    assert (constraint.accept(b"a"), constraint.remaining) == (b"", b"b")


def test_control_tokens_are_never_chosen() -> None:
    assert WORDS.index(b"") not in PIECES.find_compatible(b"a")


def test_a_character_may_be_generated_byte_by_byte() -> None:
    preferences = make_logits(**{"\xc3": 5.0, "\xa9": 4.0})
    assert generate_greedily("é".encode(), preferences) == "é".encode()


def test_without_text_every_token_is_allowed() -> None:
    preferences = make_logits(c=1.0)
    assert Constraint(PIECES, b"").apply(preferences) is preferences


@given(st.text("abc é", min_size=1, max_size=6), st.lists(st.floats(-5, 5), min_size=12))
def test_the_output_begins_with_the_text_whatever_the_model_prefers(
    text: str, preferences: list[float]
) -> None:
    assert generate_greedily(
        text.encode(), np.array(preferences[:12], dtype=np.float32)
    ).startswith(text.encode())


@given(st.binary(min_size=1, max_size=4))
def test_find_compatible_finds_the_same_as_comparing_every_token(text: bytes) -> None:
    tokens = [bytes(p) for n in (1, 2) for p in itertools.product(b"\x00a\xc3\xff", repeat=n)]
    found = {tokens[i] for i in TokenBytes(tokens).find_compatible(text)}
    assert found == {t for t in tokens if t.startswith(text) or text.startswith(t)}


@pytest.mark.parametrize(
    ("pieces", "n_safe"),
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
def test_the_safe_tokens_end_before_the_last_word(pieces: list[bytes], n_safe: int) -> None:
    assert count_safe_tokens(pieces) == n_safe
