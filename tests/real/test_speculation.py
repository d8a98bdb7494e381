"""Speculation with the real model: fewer batches for the same text."""

import itertools
from pathlib import Path

import pytest

from benchmarks.passages import Prompt
from benchmarks.speculation import Bench
from copilotd.engine.speculation import Speculation

pytestmark = pytest.mark.model

PROMPTS = (
    "RED = 1\nGREEN = 2\nBLUE = 3\n\nNAMES = {\n    RED: 'red',\n    GREEN: 'green',\n",
    "def test_one():\n    assert names(1) == ['one']\n\n\ndef test_two():\n    assert names(2) ==",
    "".join(f"    self.assertEqual(square({i}), {i * i})\n" for i in range(2, 7)),
)


def test_what_was_written_before_is_written_again_in_fewer_batches(model_path: Path) -> None:
    seconds = itertools.count()
    # A clock by which a batch costs what one token does, so that it always pays.
    bench = Bench(model_path, Speculation(clock=lambda: float(next(seconds))))
    vocabulary = bench.model.vocabulary
    prompts = [Prompt("code", vocabulary.tokenize(text, special=False), 48) for text in PROMPTS]
    pairs = [bench.pair(prompt, 0) for prompt in [*prompts, *prompts]]
    assert [pair.guessed.text for pair in pairs] == [pair.plain.text for pair in pairs]
    assert sum(pair.tally.accepted for pair in pairs) > 10
    assert sum(pair.guessed.batches for pair in pairs) < sum(pair.plain.batches for pair in pairs)
