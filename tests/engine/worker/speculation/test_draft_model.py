"""A small model drafts; the large one generates what it would generate alone."""

from collections.abc import Sequence

import numpy as np
import pytest

from copilotd.engine.worker.llama.batch import N_UBATCH, BatchEntry
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.speculation.draft_model import DraftModel
from copilotd.errors import EngineLoadFailed
from tests.engine.worker.simulated_model import (
    ByteVocabulary,
    Predict,
    SimulatedModel,
    one_hot,
    predict,
    predict_output,
)
from tests.engine.worker.speculation.repetitive_model import SpeculatingLoop, read_finish_reason

PROMPT = "an unusual beginning"
LONG = "".join(chr(32 + (i * i) % 90) for i in range(300))


class DraftingLoop(SpeculatingLoop):
    """A loop whose large model never repeats itself, with a draft model that predicts `small`."""

    def __init__(self, small: Predict = predict, n_ctx: int = 1000, small_ctx: int = 1000) -> None:
        super().__init__(predict, n_ctx=n_ctx)
        self.small = SimulatedModel(small_ctx, self.interrupt, predict=small)
        self.small_sizes: list[int] = []
        self.small.before_decode = lambda entries: self.small_sizes.append(len(entries))
        self.speculation._draft_model = make_draft_model(self.small, ByteVocabulary(), self)


def make_draft_model(
    small: SimulatedModel, large: ByteVocabulary, loop: SpeculatingLoop
) -> DraftModel:
    return DraftModel("small.gguf", small, large, loop.interrupt)


def predict_wrong(tokens: list[int]) -> Logits:
    return one_hot(ord("#"))


def predict_mostly_right(tokens: list[int]) -> Logits:
    return predict_wrong(tokens) if len(tokens) % 5 == 0 else predict(tokens)


@pytest.mark.parametrize("small", [predict, predict_mostly_right, predict_wrong])
@pytest.mark.parametrize("prompt", [PROMPT, LONG])
def test_the_output_is_that_of_the_large_model(small: Predict, prompt: str) -> None:
    loop = DraftingLoop(small)
    loop.add(1, prompt, max_tokens=300)
    loop.run()
    assert loop.texts[1] == predict_output(list(prompt.encode()), 300)


def test_right_guesses_save_batches() -> None:
    loop = DraftingLoop()
    loop.add(1, PROMPT, max_tokens=160)
    loop.run()
    assert len(loop.batch_sizes) < 25
    assert loop.speculation.counts.accepted > 130


def test_a_draft_model_that_is_always_wrong_is_soon_left_out() -> None:
    loop = DraftingLoop(predict_wrong)
    loop.add(1, PROMPT, max_tokens=160)
    loop.run(max_steps=60)
    n_batches = len(loop.small_sizes)
    assert n_batches > 0
    loop.run()
    assert (len(loop.small_sizes), len(loop.texts[1])) == (n_batches, 160)


def test_the_draft_model_evaluates_a_long_prompt_in_slices_while_the_large_one_decodes() -> None:
    loop = DraftingLoop()
    loop.add(1, LONG, max_tokens=100)
    loop.run()
    assert loop.small_sizes[:3] == [N_UBATCH, N_UBATCH, 300 - 2 * N_UBATCH + 3]
    assert loop.batch_sizes[1:4] == [1, 1, 1]
    assert len(loop.batch_sizes) < 25


def test_the_draft_model_evaluates_only_what_is_new_in_a_conversation() -> None:
    loop = DraftingLoop()
    loop.add(1, LONG, max_tokens=40)
    loop.run()
    text, n_before = LONG + loop.texts[1], loop.small.n_evaluated
    loop.add(2, text + " and then?", max_tokens=40)
    loop.run()
    assert loop.texts[2] == predict_output(list((text + " and then?").encode()), 40)
    assert loop.small.n_evaluated - n_before < 100


def test_an_output_beyond_the_draft_models_context_goes_on_without_it() -> None:
    loop = DraftingLoop(small_ctx=60)
    loop.add(1, PROMPT, max_tokens=160)
    loop.run()
    assert loop.texts[1] == predict_output(list(PROMPT.encode()), 160)
    assert 0 < loop.small.n_used_cells <= 60


def test_the_draft_model_evaluates_nothing_of_a_prompt_that_does_not_fit_its_context() -> None:
    loop = DraftingLoop(small_ctx=200)
    loop.add(1, LONG, max_tokens=50)
    loop.run()
    assert loop.small.n_evaluated == 0


def test_cancelling_a_request_stops_the_draft_model() -> None:
    loop = DraftingLoop()

    def cancel(entries: Sequence[BatchEntry]) -> None:
        loop.small_sizes.append(len(entries))
        loop.interrupt.cancel(1)

    loop.add(1, LONG, max_tokens=100)
    loop.run(max_steps=2)
    loop.small.before_decode = cancel
    loop.run(max_steps=1)
    assert (len(loop.small_sizes), loop.small.n_evaluated) == (1, 0)
    loop.generation.cancel(1)
    loop.add(2, LONG, max_tokens=100)
    loop.run()
    assert loop.texts[2] == predict_output(list(LONG.encode()), 100)


def test_a_drafted_end_token_ends_the_output() -> None:
    def predict_end(tokens: list[int]) -> Logits:
        return one_hot(256) if len(tokens) == 60 else predict(tokens)

    loop = DraftingLoop(predict_end)
    loop.model._predict = predict_end
    loop.add(1, PROMPT, max_tokens=160)
    loop.run()
    assert loop.texts[1] == predict_output(list(PROMPT.encode()), 160, predict_end)
    assert (len(loop.texts[1]), str(read_finish_reason(loop, 1))) == (40, "stop")


class UpperCaseVocabulary(ByteVocabulary):
    def token_to_piece(self, token: int) -> bytes:
        return super().token_to_piece(token).upper()


class LargerVocabulary(ByteVocabulary):
    size = 257 + 200


@pytest.mark.parametrize("vocabulary", [UpperCaseVocabulary(), LargerVocabulary()])
def test_a_draft_model_with_another_vocabulary_is_refused(vocabulary: ByteVocabulary) -> None:
    loop = SpeculatingLoop()
    small = SimulatedModel(100, loop.interrupt)
    with pytest.raises(EngineLoadFailed) as caught:
        make_draft_model(small, vocabulary, loop)
    assert caught.value.message == (
        "small.gguf has another vocabulary, so it cannot draft for this model"
    )
    assert "same family" in caught.value.hint


def test_a_draft_model_that_cannot_trim_its_cache_is_refused() -> None:
    loop = SpeculatingLoop()
    small = SimulatedModel(100, loop.interrupt)
    small.can_trim = False
    with pytest.raises(EngineLoadFailed, match="cannot remove tokens from its cache"):
        make_draft_model(small, ByteVocabulary(), loop)


def test_tokens_that_only_the_draft_model_has_are_not_drafted() -> None:
    def predict_extra_token(tokens: list[int]) -> Logits:
        return np.append(predict(tokens), np.float32(50.0))

    class PaddedVocabulary(ByteVocabulary):
        size = 258

    loop = DraftingLoop(predict_extra_token)
    loop.small.vocabulary = PaddedVocabulary()
    loop.speculation._draft_model = make_draft_model(loop.small, ByteVocabulary(), loop)
    loop.add(1, PROMPT, max_tokens=160)
    loop.run()
    assert loop.speculation.counts.accepted > 130
