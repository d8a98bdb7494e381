"""Speculation with the real model: the output stays the same although guesses are accepted."""

import itertools
from pathlib import Path

import pytest

from benchmarks.speculation import Bench, OutputPair
from benchmarks.workloads.passages import Prompt
from copilotd.engine.worker.speculation.ngram_lookup import NgramLookup
from copilotd.errors import EngineLoadFailed
from tests.real.conftest import create_engine
from tests.real.minilm import minilm_path

__all__ = ["minilm_path"]  # a fixture
pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

CODE = (
    "RED = 1\nGREEN = 2\nBLUE = 3\n\nNAMES = {\n    RED: 'red',\n    GREEN: 'green',\n",
    "def test_one():\n    assert names(1) == ['one']\n\n\ndef test_two():\n    assert names(2) ==",
    "".join(f"    self.assertEqual(square({i}), {i * i})\n" for i in range(2, 7)),
)
COUNTED = "".join(f"{i:03}\n" for i in range(100, 160))
CLEAR = "    0x00, 0x00, 0x00, 0x00,\n" * 12


@pytest.fixture(scope="module")
def pairs(model_path: Path) -> list[OutputPair]:
    """The outputs for `CODE` and `CLEAR`, each written twice, from one model."""
    return write_twice(model_path, (*CODE, CLEAR))


def test_accepted_guesses_do_not_change_the_output(pairs: list[OutputPair]) -> None:
    assert [pair.guessed.text for pair in pairs] == [pair.plain.text for pair in pairs]
    assert sum(pair.tally.accepted for pair in pairs if pair.kind == "code") > 10


def test_text_without_close_choices_takes_fewer_batches(pairs: list[OutputPair]) -> None:
    clear = [pair for pair in pairs if pair.kind == "clear"]
    assert sum(pair.guessed.batches for pair in clear) < sum(pair.plain.batches for pair in clear)


def test_right_guesses_of_a_draft_model_save_batches(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NgramLookup, "find", lambda *_: None)
    pairs = write_twice(model_path, (COUNTED, CODE[0]), draft=model_path)
    assert [pair.guessed.text for pair in pairs] == [pair.plain.text for pair in pairs]
    assert pairs[0].tally.accepted > 10
    assert pairs[0].guessed.batches < pairs[0].plain.batches


def test_a_draft_model_of_another_family_is_refused(model_path: Path, minilm_path: Path) -> None:
    with pytest.raises(EngineLoadFailed, match="so it cannot draft for this model"):
        Bench(model_path, minilm_path)


async def test_the_engine_names_its_draft_model(model_path: Path) -> None:
    engine = create_engine(model_path, draft=str(model_path))
    assert (await engine.info()).draft == model_path.name
    await engine.close()


def write_twice(
    model_path: Path, texts: tuple[str, ...], draft: Path | None = None
) -> list[OutputPair]:
    """Write each text twice, with a clock that makes a batch as cheap as a token: drafts pay."""
    seconds = itertools.count()
    bench = Bench(model_path, draft, lambda: float(next(seconds)))
    vocabulary = bench.model.vocabulary
    prompts = [
        Prompt("clear" if text == CLEAR else "code", vocabulary.tokenize(text, special=False), 48)
        for text in texts
    ]
    return [bench.write_pair(prompt, 0) for prompt in [*prompts, *prompts]]
