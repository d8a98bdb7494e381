"""Guesses make decoding take fewer batches, and end where the output does."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import FinishReason, Lane, Sampling
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.llama.model import Entry, Model
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.main import Worker
from copilotd.engine.worker.pipe import Events
from copilotd.engine.worker.speculation.draft_model import Drafter
from copilotd.engine.worker.speculation.speculation import Speculation
from tests.engine.worker.simulated_model import END, SimulatedModel, certain, expected_text
from tests.engine.worker.speculation.repetitive_model import PROMPT, Guessing, held, period, reason


def test_what_repeats_is_written_in_fewer_batches() -> None:
    bench = Guessing(period)
    bench.add(1, PROMPT, n=100)
    bench.run()
    assert bench.texts[1] == expected_text(list(PROMPT.encode()), 100, period)
    assert len(bench.sizes) < 30
    tally = bench.speculation.tally
    assert tally.accepted == tally.drafted > 70


def test_what_an_earlier_text_says_is_guessed_in_the_next() -> None:
    def counting(tokens: list[int]) -> Logits:
        return certain((tokens[-1] + 1) % 128)

    bench = Guessing(counting)
    for id, start in ((1, 0), (2, 20)):
        bench.sizes.clear()
        bench.add(id, [start, start + 1, start + 2], n=90)
        bench.run()
    assert bench.texts[2] == "".join(map(chr, range(23, 113)))
    assert len(bench.sizes) < 50


def test_without_it_each_token_takes_a_batch() -> None:
    bench = Guessing(period)
    bench.speculation._enabled = False
    bench.add(1, PROMPT, n=100)
    bench.run()
    assert len(bench.sizes) == 100


def test_nothing_is_guessed_where_batches_cost_too_much() -> None:
    bench = Guessing(period)
    now = 0.0

    def work(entries: Sequence[Entry]) -> None:
        nonlocal now
        now += len(entries)
        bench.sizes.append(len(entries))

    bench.model.before_decode = work
    bench.speculation._clock = lambda: now
    bench.add(1, PROMPT, n=150)
    bench.run()
    guessed = [size for size in bench.sizes[1:] if size > 1]
    assert 0 < len(guessed) < 5


def test_a_stop_string_inside_a_draft_ends_the_output_there() -> None:
    bench = Guessing(period)
    bench.learn()
    bench.add(1, PROMPT, n=100, stop=["dxx", "ef"])
    bench.run()
    assert (bench.texts[1], reason(bench, 1)) == ("abcd", FinishReason.STOP)
    assert max(bench.sizes) > 7
    assert bench.usage(1).completion_tokens == 6
    assert held(bench) == PROMPT + "abcde"


def test_an_end_token_inside_a_draft_ends_the_output_there() -> None:
    prompt = [*b"abc", END, *b"zyabc"]

    def ending(tokens: list[int]) -> Logits:
        return certain(END if tokens[-1] == ord("c") else (tokens[-1] + 1) % 256)

    bench = Guessing(period)
    bench.learn()
    bench.model._predict = ending
    bench.add(1, [*prompt, ord("a")], n=50)
    bench.run()
    assert (bench.texts[1], reason(bench, 1)) == ("bc", FinishReason.STOP)
    assert max(bench.sizes[1:]) > 1
    assert bench.usage(1).completion_tokens == 2


@pytest.mark.parametrize("n", range(1, 24))
def test_an_output_is_never_longer_than_what_was_asked_for(n: int) -> None:
    bench = Guessing(period)
    bench.learn()
    bench.add(1, PROMPT, n=n)
    bench.run()
    assert bench.texts[1] == (PROMPT * 2)[:n]
    assert (bench.usage(1).completion_tokens, reason(bench, 1)) == (n, FinishReason.LENGTH)
    assert held(bench) == (PROMPT * 2)[: len(PROMPT) + n - 1]


@pytest.mark.parametrize("n_ctx", range(60, 70))
def test_an_output_ends_where_the_context_does(n_ctx: int) -> None:
    bench = Guessing(period, n_ctx=n_ctx)
    bench.learn()
    bench.add(1, PROMPT, n=500)
    bench.run()
    assert len(bench.texts[1]) == n_ctx - len(PROMPT)


def test_guesses_take_no_cells_from_others() -> None:
    def ending(tokens: list[int]) -> Logits:
        return certain(END) if len(tokens) == 85 else period(tokens)

    bench = Guessing(ending, n_ctx=150, n_seq=2, park_bytes=0)
    bench.learn()
    bench.add(1, "x" * 60, n=1)
    bench.run()
    bench.add(2, PROMPT, n=80)
    bench.run()
    assert reason(bench, 2) is FinishReason.STOP
    bench.add(3, "x" * 60 + "z", n=1)
    bench.run()
    assert bench.usage(3).cached_tokens == 60


def test_a_batch_that_finds_no_room_is_tried_again_without_its_guesses() -> None:
    bench = Guessing(period, n_ctx=300, n_seq=1)
    bench.learn()
    bench.add(1, PROMPT, n=80)
    bench.run(steps=3)
    bench.model.n_ctx = len(PROMPT) + len(bench.texts[1]) + 2
    bench.run(steps=2)
    assert (bench.sizes[-2] > 2, bench.sizes[-1]) == (True, 1)
    bench.model.n_ctx = 300
    bench.run()
    assert bench.texts[1] == (PROMPT * 4)[:80]


def test_two_that_decode_side_by_side_are_not_guessed() -> None:
    bench = Guessing(period)
    bench.learn()
    for id in (1, 2):
        bench.add(id, PROMPT, n=40)
    bench.run()
    assert max(bench.sizes[2:]) <= 2


@pytest.mark.parametrize(
    "more",
    [
        {"logprobs": 0},
        {"sampling": Sampling(temperature=0.5, seed=1)},
        {"sampling": Sampling(repeat_penalty=1.1)},
    ],
)
def test_nothing_is_guessed_where_more_than_the_most_probable_is_asked_for(
    more: dict[str, Any],
) -> None:
    bench = Guessing(period)
    bench.learn()
    bench.add(1, PROMPT, n=20, **more)
    bench.run()
    assert set(bench.sizes[1:]) == {1}


def test_a_word_that_is_healed_is_finished_before_anything_is_guessed() -> None:
    bench = Guessing(period)
    bench.learn()
    bench.add(1, PROMPT, n=60, tail="abcdefgabc")
    bench.run()
    assert bench.texts[1] == ("defgabc" * 9)[:60]
    assert max(bench.sizes) > 7


def test_what_was_guessed_is_remembered_behind_a_completion() -> None:
    bench = Guessing(period)
    bench.learn()
    bench.add(1, PROMPT, n=40, lane=Lane.COMPLETION)
    bench.run()
    bench.sizes.clear()
    bench.add(2, PROMPT + "abcdefgabcdefgabcdefgab", n=2, lane=Lane.COMPLETION)
    bench.run()
    assert (bench.texts[2], bench.sizes) == ("cd", [])


@pytest.mark.parametrize(
    ("speculate", "drafts", "can_trim", "enabled"),
    [
        (True, False, True, True),
        (False, False, True, False),
        (True, False, False, False),
        (False, True, True, True),
        (False, True, False, False),
    ],
)
def test_a_worker_guesses_if_it_shall_and_a_guess_can_be_taken_back(
    speculate: bool,
    drafts: bool,
    can_trim: bool,
    enabled: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[bool, Drafter | None]] = []

    def recorded(*, enabled: bool, drafter: Drafter | None) -> Speculation:
        made.append((enabled, drafter))
        return Speculation(enabled=enabled, drafter=drafter)

    monkeypatch.setattr("copilotd.engine.worker.main.Speculation", recorded)
    file = tmp_path / "model.gguf"
    file.touch()
    interrupt = Interrupt()
    model = SimulatedModel(100, interrupt)
    model.can_trim = can_trim
    spec = WorkerSpec(str(file), "model", speculate=speculate)
    small = cast(Model, SimulatedModel(100, interrupt))
    drafter = Drafter(small, small.vocabulary, interrupt) if drafts else None
    Worker(cast(Model, model), interrupt, spec, Events(io.BytesIO()), drafter)
    assert made == [(enabled, drafter)]
