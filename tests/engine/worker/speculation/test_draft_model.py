"""A small model reads along and guesses; the large one writes what it would write alone."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from copilotd.engine.worker.llama.model import N_UBATCH, Entry, Model
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.engine.worker.speculation.draft_model import Drafter
from copilotd.errors import EngineLoadFailed
from tests.engine.worker.simulated_model import (
    ByteVocabulary,
    Predict,
    SimulatedModel,
    certain,
    expected_text,
    predict,
)
from tests.engine.worker.speculation.repetitive_model import Guessing, reason

PROMPT = "an unusual beginning"
LONG = "".join(chr(32 + (i * i) % 90) for i in range(300))


class Drafting(Guessing):
    """A bench whose large model never repeats itself, with a small one that predicts by itself."""

    def __init__(self, small: Predict = predict, n_ctx: int = 1000, small_ctx: int = 1000) -> None:
        super().__init__(predict, n_ctx=n_ctx)
        self.small = SimulatedModel(small_ctx, self.interrupt, predict=small)
        self.small_sizes: list[int] = []
        self.small.before_decode = lambda entries: self.small_sizes.append(len(entries))
        self.speculation._drafter = drafter_of(self.small, ByteVocabulary(), self)


def drafter_of(small: SimulatedModel, large: object, bench: Guessing) -> Drafter:
    return Drafter(cast(Model, small), cast(Vocabulary, large), bench.interrupt)


def never_right(tokens: list[int]) -> Logits:
    return certain(ord("#"))


def mostly_right(tokens: list[int]) -> Logits:
    return never_right(tokens) if len(tokens) % 5 == 0 else predict(tokens)


@pytest.mark.parametrize("small", [predict, mostly_right, never_right])
@pytest.mark.parametrize("prompt", [PROMPT, LONG])
def test_the_text_is_that_of_the_large_model(small: Predict, prompt: str) -> None:
    bench = Drafting(small)
    bench.add(1, prompt, n=300)
    bench.run()
    assert bench.texts[1] == expected_text(list(prompt.encode()), 300)


def test_guesses_that_are_right_are_written_in_fewer_batches() -> None:
    bench = Drafting()
    bench.add(1, PROMPT, n=160)
    bench.run()
    assert len(bench.sizes) < 25
    assert bench.speculation.tally.accepted > 130


def test_a_small_model_that_is_always_wrong_is_soon_asked_no_more() -> None:
    bench = Drafting(never_right)
    bench.add(1, PROMPT, n=160)
    bench.run(steps=60)
    asked = len(bench.small_sizes)
    assert asked > 0
    bench.run()
    assert (len(bench.small_sizes), len(bench.texts[1])) == (asked, 160)


def test_a_long_prompt_is_read_in_slices_while_the_large_model_writes() -> None:
    bench = Drafting()
    bench.add(1, LONG, n=100)
    bench.run()
    assert bench.small_sizes[:3] == [N_UBATCH, N_UBATCH, 300 - 2 * N_UBATCH + 3]
    assert bench.sizes[1:4] == [1, 1, 1]
    assert len(bench.sizes) < 25


def test_a_conversation_that_goes_on_is_not_read_again() -> None:
    bench = Drafting()
    bench.add(1, LONG, n=40)
    bench.run()
    text, read = LONG + bench.texts[1], bench.small.evaluated
    bench.add(2, text + " and then?", n=40)
    bench.run()
    assert bench.texts[2] == expected_text(list((text + " and then?").encode()), 40)
    assert bench.small.evaluated - read < 100


def test_a_text_that_the_small_model_has_no_room_for_is_written_without_it() -> None:
    bench = Drafting(small_ctx=60)
    bench.add(1, PROMPT, n=160)
    bench.run()
    assert bench.texts[1] == expected_text(list(PROMPT.encode()), 160)
    assert 0 < bench.small.used <= 60


def test_a_prompt_that_the_small_model_has_no_room_for_is_not_read_in_vain() -> None:
    bench = Drafting(small_ctx=200)
    bench.add(1, LONG, n=50)
    bench.run()
    assert bench.small.evaluated == 0


def test_a_request_that_is_cancelled_stops_the_small_model() -> None:
    bench = Drafting()

    def cancel(entries: Sequence[Entry]) -> None:
        bench.small_sizes.append(len(entries))
        bench.interrupt.cancel(1)

    bench.add(1, LONG, n=100)
    bench.run(steps=2)
    bench.small.before_decode = cancel
    bench.run(steps=1)
    assert (len(bench.small_sizes), bench.small.evaluated) == (1, 0)
    bench.loop.cancel(1)
    bench.add(2, LONG, n=100)
    bench.run()
    assert bench.texts[2] == expected_text(list(LONG.encode()), 100)


def test_an_end_that_is_guessed_ends_the_text() -> None:
    def ending(tokens: list[int]) -> Logits:
        return certain(256) if len(tokens) == 60 else predict(tokens)

    bench = Drafting(ending)
    bench.model._predict = ending
    bench.add(1, PROMPT, n=160)
    bench.run()
    assert bench.texts[1] == expected_text(list(PROMPT.encode()), 160, ending)
    assert (len(bench.texts[1]), str(reason(bench, 1))) == (40, "stop")


class Renamed(ByteVocabulary):
    def piece(self, token: int) -> bytes:
        return super().piece(token).upper()


class Larger(ByteVocabulary):
    size = 257 + 200


@pytest.mark.parametrize("vocabulary", [Renamed(), Larger()])
def test_a_small_model_of_another_vocabulary_is_refused(vocabulary: ByteVocabulary) -> None:
    bench = Guessing()
    small = named(SimulatedModel(100, bench.interrupt))
    with pytest.raises(EngineLoadFailed) as caught:
        drafter_of(small, vocabulary, bench)
    assert caught.value.message == (
        "small.gguf has another vocabulary, so it can draft nothing for this model"
    )
    assert "same family" in caught.value.hint


def test_a_small_model_that_cannot_take_back_what_it_read_is_refused() -> None:
    bench = Guessing()
    small = named(SimulatedModel(100, bench.interrupt))
    small.can_trim = False
    with pytest.raises(EngineLoadFailed, match="cannot take back what it has read"):
        drafter_of(small, ByteVocabulary(), bench)


def test_what_only_the_small_model_has_in_its_vocabulary_is_not_guessed() -> None:
    def beyond(tokens: list[int]) -> Logits:
        return np.append(predict(tokens), np.float32(50.0))

    class Padded(ByteVocabulary):
        size = 258

    bench = Drafting(beyond)
    bench.small.vocabulary = Padded()
    bench.speculation._drafter = drafter_of(bench.small, ByteVocabulary(), bench)
    bench.add(1, PROMPT, n=160)
    bench.run()
    assert bench.speculation.tally.accepted > 130


def named(model: SimulatedModel) -> SimulatedModel:
    model.info = SimpleNamespace(name="small.gguf")  # type: ignore[attr-defined]
    return model
