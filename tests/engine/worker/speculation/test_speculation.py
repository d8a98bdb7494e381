"""Drafts make decoding take fewer batches, and end where the output does."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import FinishReason, Lane, Sampling
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.llama.batch import BatchEntry
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.main import Worker
from copilotd.engine.worker.pipe import EventWriter
from copilotd.engine.worker.speculation.draft_model import DraftModel
from copilotd.engine.worker.speculation.speculation import Speculation
from tests.engine.worker.simulated_model import END, SimulatedModel, one_hot, predict_output
from tests.engine.worker.speculation.repetitive_model import (
    PROMPT,
    SpeculatingLoop,
    predict_period,
    read_cached_text,
    read_finish_reason,
)


def test_text_that_repeats_takes_fewer_batches() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.add(1, PROMPT, max_tokens=100)
    loop.run()
    assert loop.texts[1] == predict_output(list(PROMPT.encode()), 100, predict_period)
    assert len(loop.batch_sizes) < 30
    tally = loop.speculation.counts
    assert tally.accepted == tally.drafted > 70


def test_an_earlier_text_serves_as_the_draft_of_the_next() -> None:
    def predict_next_number(tokens: list[int]) -> Logits:
        return one_hot((tokens[-1] + 1) % 128)

    loop = SpeculatingLoop(predict_next_number)
    for id, start in ((1, 0), (2, 20)):
        loop.batch_sizes.clear()
        loop.add(id, [start, start + 1, start + 2], max_tokens=90)
        loop.run()
    assert loop.texts[2] == "".join(map(chr, range(23, 113)))
    assert len(loop.batch_sizes) < 50


def test_without_speculation_each_token_takes_a_batch() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.speculation._enabled = False
    loop.add(1, PROMPT, max_tokens=100)
    loop.run()
    assert len(loop.batch_sizes) == 100


def test_nothing_is_drafted_where_batches_cost_too_much() -> None:
    loop = SpeculatingLoop(predict_period)
    now = 0.0

    def spend_time(entries: Sequence[BatchEntry]) -> None:
        nonlocal now
        now += len(entries)
        loop.batch_sizes.append(len(entries))

    loop.model.before_decode = spend_time
    loop.speculation._clock = lambda: now
    loop.add(1, PROMPT, max_tokens=150)
    loop.run()
    drafted = [size for size in loop.batch_sizes[1:] if size > 1]
    assert 0 < len(drafted) < 5


def test_a_stop_string_inside_a_draft_ends_the_output_there() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=100, stop=["dxx", "ef"])
    loop.run()
    assert (loop.texts[1], read_finish_reason(loop, 1)) == ("abcd", FinishReason.STOP)
    assert max(loop.batch_sizes) > 7
    assert loop.usage(1).completion_tokens == 6
    assert read_cached_text(loop) == PROMPT + "abcde"


def test_an_end_token_inside_a_draft_ends_the_output_there() -> None:
    prompt = [*b"abc", END, *b"zyabc"]

    def predict_end(tokens: list[int]) -> Logits:
        return one_hot(END if tokens[-1] == ord("c") else (tokens[-1] + 1) % 256)

    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.model._predict = predict_end
    loop.add(1, [*prompt, ord("a")], max_tokens=50)
    loop.run()
    assert (loop.texts[1], read_finish_reason(loop, 1)) == ("bc", FinishReason.STOP)
    assert max(loop.batch_sizes[1:]) > 1
    assert loop.usage(1).completion_tokens == 2


@pytest.mark.parametrize("n", range(1, 24))
def test_an_output_is_never_longer_than_max_tokens(n: int) -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=n)
    loop.run()
    assert loop.texts[1] == (PROMPT * 2)[:n]
    assert (loop.usage(1).completion_tokens, read_finish_reason(loop, 1)) == (
        n,
        FinishReason.LENGTH,
    )
    assert read_cached_text(loop) == (PROMPT * 2)[: len(PROMPT) + n - 1]


@pytest.mark.parametrize("n_ctx", range(60, 70))
def test_an_output_ends_where_the_context_does(n_ctx: int) -> None:
    loop = SpeculatingLoop(predict_period, n_ctx=n_ctx)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=500)
    loop.run()
    assert len(loop.texts[1]) == n_ctx - len(PROMPT)


def test_drafts_take_no_cells_from_others() -> None:
    def predict_end(tokens: list[int]) -> Logits:
        return one_hot(END) if len(tokens) == 85 else predict_period(tokens)

    loop = SpeculatingLoop(predict_end, n_ctx=150, n_seq=2, memory_tier_cells=0)
    loop.warm_up()
    loop.add(1, "x" * 60, max_tokens=1)
    loop.run()
    loop.add(2, PROMPT, max_tokens=80)
    loop.run()
    assert read_finish_reason(loop, 2) is FinishReason.STOP
    loop.add(3, "x" * 60 + "z", max_tokens=1)
    loop.run()
    assert loop.usage(3).cached_tokens == 60


def test_a_batch_that_finds_no_room_is_tried_again_without_its_draft() -> None:
    loop = SpeculatingLoop(predict_period, n_ctx=300, n_seq=1)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=80)
    loop.run(max_steps=3)
    loop.model.n_ctx = len(PROMPT) + len(loop.texts[1]) + 2
    loop.run(max_steps=2)
    assert (loop.batch_sizes[-2] > 2, loop.batch_sizes[-1]) == (True, 1)
    loop.model.n_ctx = 300
    loop.run()
    assert loop.texts[1] == (PROMPT * 4)[:80]


def test_nothing_is_drafted_while_two_sequences_decode_together() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    for id in (1, 2):
        loop.add(id, PROMPT, max_tokens=40)
    loop.run()
    assert max(loop.batch_sizes[2:]) <= 2


@pytest.mark.parametrize(
    "options",
    [
        {"logprobs": 0},
        {"sampling": Sampling(temperature=0.5, seed=1)},
        {"sampling": Sampling(repeat_penalty=1.1)},
    ],
)
def test_nothing_is_drafted_for_requests_that_sample_or_want_log_probabilities(
    options: dict[str, Any],
) -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=20, **options)
    loop.run()
    assert set(loop.batch_sizes[1:]) == {1}


def test_an_unfinished_word_is_completed_before_anything_is_drafted() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=60, tail="abcdefgabc")
    loop.run()
    assert loop.texts[1] == ("defgabc" * 9)[:60]
    assert max(loop.batch_sizes) > 7


def test_predictions_from_batches_with_a_draft_are_cached_for_completions() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=40, lane=Lane.COMPLETION)
    loop.run()
    loop.batch_sizes.clear()
    loop.add(2, PROMPT + "abcdefgabcdefgabcdefgab", max_tokens=2, lane=Lane.COMPLETION)
    loop.run()
    assert (loop.texts[2], loop.batch_sizes) == ("cd", [])


@pytest.mark.parametrize(
    ("speculate", "has_draft_model", "can_trim", "enabled"),
    [
        (True, False, True, True),
        (False, False, True, False),
        (True, False, False, False),
        (False, True, True, True),
        (False, True, False, False),
    ],
)
def test_a_worker_speculates_if_configured_and_its_model_can_trim(
    speculate: bool,
    has_draft_model: bool,
    can_trim: bool,
    enabled: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    created: list[tuple[bool, DraftModel | None]] = []

    def record(*, enabled: bool, draft_model: DraftModel | None) -> Speculation:
        created.append((enabled, draft_model))
        return Speculation(enabled=enabled, draft_model=draft_model)

    monkeypatch.setattr("copilotd.engine.worker.main.Speculation", record)
    file = tmp_path / "model.gguf"
    file.touch()
    interrupt = Interrupt()
    model = SimulatedModel(100, interrupt)
    model.can_trim = can_trim
    spec = WorkerSpec(str(file), "model", speculate=speculate)
    small = SimulatedModel(100, interrupt)
    draft_model = (
        DraftModel("small", small, small.vocabulary, interrupt) if has_draft_model else None
    )
    Worker(model, interrupt, spec, EventWriter(io.BytesIO()), draft_model)
    assert created == [(enabled, draft_model)]
