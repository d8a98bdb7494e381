"""The engine's loop over a simulated model: scheduling, KV reuse, interruption, memory."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from copilotd.engine.protocol import Failed, Finish, Output
from copilotd.engine.types import FinishReason, Lane
from copilotd.engine.worker.llama.batch import BatchEntry
from copilotd.engine.worker.scheduling.sequence import Sequence as RunningSequence
from copilotd.errors import ContextOverflow, InvalidRequest
from tests.engine.worker.engine_loop import EngineLoop, predict_continuation
from tests.engine.worker.kv.fake_disk_tier import disk_tier_in
from tests.engine.worker.simulated_model import CELL_BYTES, predict_output


def test_a_request_gets_the_output_that_the_model_predicts() -> None:
    loop = EngineLoop()
    loop.add(1, "def f(")
    loop.run()
    assert loop.texts[1] == predict_continuation("def f(")
    finish = loop.last_events[1]
    assert isinstance(finish, Finish)
    assert finish.finished.reason is FinishReason.LENGTH


def test_a_second_request_evaluates_only_what_is_new() -> None:
    loop = EngineLoop()
    loop.add(1, "x" * 100, max_tokens=1)
    loop.run()
    n_before = loop.model.n_evaluated
    loop.add(2, "x" * 100 + "yz", max_tokens=1)
    loop.run()
    assert loop.usage(2).cached_tokens == 100
    assert loop.model.n_evaluated - n_before == 2
    assert loop.texts[2] == predict_continuation("x" * 100 + "yz", 1)


def test_a_repeated_prompt_evaluates_only_its_last_token() -> None:
    loop = EngineLoop()
    for id in (1, 2):
        loop.add(id, "same prompt", max_tokens=3)
        loop.run()
    assert loop.usage(2).cached_tokens == len("same prompt") - 1
    assert loop.texts[1] == loop.texts[2] == predict_continuation("same prompt", 3)


def test_two_conversations_share_their_common_prefix_and_both_keep_their_cells() -> None:
    loop = EngineLoop()
    system = "s" * 60
    loop.add(1, system + "a" * 80, max_tokens=2)
    loop.run()
    loop.add(2, system + "b" * 80, max_tokens=2)
    loop.run()
    assert loop.usage(2).cached_tokens == 60
    loop.add(3, system + "a" * 80, max_tokens=2)
    loop.run()
    assert loop.usage(3).cached_tokens == 139


def test_several_choices_for_one_prompt_evaluate_it_once() -> None:
    loop = EngineLoop()
    for id in (1, 2, 3):
        loop.add(id, "p" * 90, max_tokens=4)
    loop.run()
    assert [loop.usage(id).cached_tokens for id in (1, 2, 3)] == [0, 89, 89]
    assert {loop.texts[id] for id in (1, 2, 3)} == {predict_continuation("p" * 90, 4)}


def test_a_completion_goes_before_a_chat_that_came_first() -> None:
    loop = EngineLoop()
    loop.add(1, "chat", max_tokens=50, lane=Lane.CHAT)
    loop.run(max_steps=5)
    loop.add(2, "complete", max_tokens=5, lane=Lane.COMPLETION)
    loop.run()
    assert loop.finish_order == [2, 1]
    assert loop.texts[1] == predict_continuation("chat", 50)
    assert loop.texts[2] == predict_continuation("complete", 5)


def test_a_completion_takes_the_slot_of_a_chat_when_all_are_busy() -> None:
    loop = EngineLoop(n_seq=2)
    loop.add(1, "first chat", max_tokens=40)
    loop.add(2, "second chat", max_tokens=40)
    loop.run(max_steps=6)
    loop.add(3, "complete", max_tokens=5, lane=Lane.COMPLETION)
    loop.run()
    assert loop.finish_order[0] == 3
    assert loop.texts[1] == predict_continuation("first chat", 40)
    assert loop.texts[2] == predict_continuation("second chat", 40)


def test_a_completion_gets_cells_even_if_a_chat_fills_the_context() -> None:
    loop = EngineLoop(n_ctx=300)
    loop.add(1, "c" * 200, max_tokens=90)
    loop.run(max_steps=10)
    loop.add(2, "d" * 150, max_tokens=5, lane=Lane.COMPLETION)
    loop.run()
    assert loop.finish_order == [2, 1]
    assert loop.texts[2] == predict_continuation("d" * 150, 5)
    assert loop.texts[1] == predict_continuation("c" * 200, 90)


def test_a_prompt_that_is_always_interrupted_is_evaluated_in_smaller_chunks() -> None:
    loop = EngineLoop()

    def interrupt_long_batches(entries: Sequence[BatchEntry]) -> None:
        if len(entries) > 16:
            loop.interrupt.flag[0] = b"\1"

    loop.model.before_decode = interrupt_long_batches
    loop.add(1, "c" * 200, max_tokens=5)
    loop.run(max_steps=100)
    assert loop.texts[1] == predict_continuation("c" * 200, 5)


def test_an_idle_slot_is_evicted_when_cells_run_out() -> None:
    loop = EngineLoop(n_ctx=200)
    for id, letter in enumerate("abcd"):
        loop.add(id, letter * 120, max_tokens=3)
        loop.run()
    assert [loop.texts[i] for i in range(4)] == [predict_continuation(c * 120, 3) for c in "abcd"]


def test_a_cancelled_request_ends_without_an_event_and_the_others_go_on() -> None:
    loop = EngineLoop()
    loop.add(1, "one", max_tokens=20)
    loop.add(2, "two", max_tokens=20)
    loop.run(max_steps=4)
    loop.generation.cancel(1)
    loop.run()
    assert loop.finish_order == [2]
    assert loop.texts[2] == predict_continuation("two", 20)


def test_an_interrupted_prompt_goes_on_where_it_stopped() -> None:
    loop = EngineLoop()
    was_interrupted = False

    def interrupt_once(entries: Sequence[BatchEntry]) -> None:
        nonlocal was_interrupted
        if not was_interrupted:
            was_interrupted = True
            loop.interrupt.notify_arrival(Lane.COMPLETION)

    loop.model.before_decode = interrupt_once
    loop.add(1, "e" * 50, max_tokens=4)
    loop.generation.step()
    loop.interrupt.clear_arrivals()
    loop.run()
    assert loop.texts[1] == predict_continuation("e" * 50, 4)


def test_output_ends_before_a_stop_string() -> None:
    loop = EngineLoop()
    whole = predict_continuation("stop here", 30)
    stop = whole[10:13]
    loop.add(1, "stop here", max_tokens=30, stop=[stop])
    loop.run()
    assert loop.texts[1] == whole[: whole.index(stop)]
    finish = loop.last_events[1]
    assert isinstance(finish, Finish)
    assert finish.finished.reason is FinishReason.STOP


def test_a_prompt_that_fills_the_context_is_refused() -> None:
    loop = EngineLoop(n_ctx=100)
    with pytest.raises(ContextOverflow, match="the prompt has 100 tokens, the context 100"):
        loop.add(1, "x" * 100)


def test_an_output_ends_where_the_context_does() -> None:
    loop = EngineLoop(n_ctx=100)
    loop.add(1, "x" * 90, max_tokens=500)
    loop.run()
    assert loop.texts[1] == predict_continuation("x" * 90, 10)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [([], "the prompt is empty"), ([1, 900], "outside the vocabulary")],
)
def test_a_prompt_that_cannot_be_evaluated_is_refused(prompt: list[int], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        EngineLoop().add(1, prompt)


def test_prompt_log_probabilities_cover_every_token_even_if_the_prompt_is_cached() -> None:
    loop = EngineLoop()
    loop.add(1, "scored prompt", max_tokens=2)
    loop.run()
    loop.add(2, "scored prompt", max_tokens=0, logprobs=1, prompt_logprobs=True)
    chunks = []
    loop.generation._emit = lambda event: chunks.append(event)
    loop.run()
    output = chunks[0]
    assert isinstance(output, Output)
    assert b"".join(t.text for t in output.chunk.tokens) == b"scored prompt"
    assert output.chunk.tokens[0].logprob is None
    assert all(t.logprob is not None and len(t.top) == 1 for t in output.chunk.tokens[1:])


@pytest.mark.parametrize("seed", range(100))
def test_any_mix_of_requests_gives_the_output_of_a_fresh_evaluation(
    seed: int, tmp_path: Path
) -> None:
    """The seed chooses shared prefixes, preemption, eviction, interrupts, cancels and restarts."""
    rng = random.Random(seed)
    stems = ["a" * 40, "a" * 20 + "b" * 30, "c" * 60]
    for _ in range(rng.choice([1, 1, 3])):
        loop = EngineLoop(
            n_ctx=rng.choice([150, 300, 600]),
            n_seq=rng.choice([1, 2, 4, 8]),
            memory_tier_cells=rng.choice([0, 150, 1000]),
            resident_cells=rng.choice([0, 50, 200]),
            disk=disk_tier_in(tmp_path, budget=rng.choice([0, 400, 10_000]) * CELL_BYTES),
        )
        expected: dict[int, tuple[list[int], int]] = {}

        def sometimes_interrupt(entries: Sequence[BatchEntry], loop: EngineLoop = loop) -> None:
            if rng.random() < 0.2:
                loop.interrupt.flag[0] = b"\1"

        loop.model.before_decode = sometimes_interrupt
        for id in range(30):
            prompt = list((rng.choice(stems) + "x" * rng.randrange(1, 40)).encode())
            max_tokens = rng.randrange(1, 25)
            loop.add(id, prompt, max_tokens, rng.choice(list(Lane)))
            expected[id] = (prompt, max_tokens)
            loop.run(max_steps=rng.randrange(12))
            if rng.random() < 0.15:
                victim = rng.randrange(id + 1)
                loop.generation.cancel(victim)
                if victim not in loop.last_events:
                    expected.pop(victim, None)
            if rng.random() < 0.2:
                loop.pool.persist(lambda: rng.random() < 0.9)
        loop.run()
        loop.pool.persist_latest(lambda: True)
        assert {id: loop.texts[id] for id in expected} == {
            id: predict_output(prompt, length) for id, (prompt, length) in expected.items()
        }
        assert not any(isinstance(event, Failed) for event in loop.last_events.values())


def test_the_output_continues_an_unfinished_word_and_does_not_repeat_it() -> None:
    loop = EngineLoop()
    loop.add(1, "def f(x): ", tail="return va")
    loop.run()
    assert loop.texts[1] == predict_continuation("def f(x): return va")


def test_the_tokens_of_a_healed_word_do_not_count_as_output() -> None:
    loop = EngineLoop()
    loop.add(1, "x = ", max_tokens=3, tail="value")
    loop.run()
    assert len(loop.texts[1]) == 3


def test_two_requests_that_do_not_fit_together_with_their_unfinished_words_take_turns() -> None:
    loop = EngineLoop(n_ctx=60, n_seq=2)
    for id, letter in ((1, "x"), (2, "y")):
        loop.add(id, letter * 20 + " ", max_tokens=8, tail="abcdefghij")
    loop.run(max_steps=200)
    assert loop.texts[1] == predict_continuation("x" * 20 + " abcdefghij")
    assert loop.texts[2] == predict_continuation("y" * 20 + " abcdefghij")


def test_a_tail_can_be_the_whole_prompt() -> None:
    loop = EngineLoop()
    loop.add(1, [], tail="word")
    loop.run()
    assert loop.texts[1] == predict_continuation("word")


def test_typing_what_was_predicted_evaluates_nothing() -> None:
    loop = EngineLoop()
    predicted = predict_continuation("x" * 50 + " ", 4)
    loop.add(1, "x" * 50, max_tokens=4, tail=" ", lane=Lane.COMPLETION)
    loop.run()
    n_before = loop.model.n_evaluated
    loop.add(2, "x" * 50, max_tokens=2, tail=" " + predicted[:2], lane=Lane.COMPLETION)
    loop.run()
    assert loop.texts[2] == predicted[2:]
    assert loop.usage(2).cached_tokens == loop.usage(2).prompt_tokens == 51
    assert loop.model.n_evaluated == n_before


def test_chat_uses_no_cached_predictions() -> None:
    loop = EngineLoop()
    for id in (1, 2):
        loop.add(id, "same prompt", max_tokens=3, lane=Lane.CHAT)
        loop.run()
    assert loop.model.n_evaluated > len("same prompt") + 3


def test_a_fault_of_one_request_ends_that_request_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    loop = EngineLoop()
    loop.add(1, "def f(")
    loop.add(2, "def g(")
    loop.run(3)
    score = loop.generation._scorer.score_choice

    def fail_for_the_first(sequence: RunningSequence, *arguments: Any) -> Any:
        if sequence.id == 1:
            raise IndexError("SEC" + "RET")
        return score(sequence, *arguments)

    monkeypatch.setattr(loop.generation._scorer, "score_choice", fail_for_the_first)
    loop.run()
    failed = loop.last_events[1]
    assert isinstance(failed, Failed)
    assert failed.message == "the request failed with an internal error (IndexError)"
    assert loop.texts[2] == predict_continuation("def g(")
    log = capfd.readouterr().err
    assert "fail_for_the_first" in log and "SECRET" not in log
    monkeypatch.undo()
    loop.add(3, "def f(")
    loop.run()
    assert loop.texts[3] == predict_continuation("def f(")


@pytest.mark.parametrize("part", ["decode", "schedule"])
def test_a_fault_of_a_whole_batch_ends_its_requests_and_no_later_one(
    monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    loop = EngineLoop()
    loop.add(1, "def f(")
    loop.add(2, "def g(")

    def fail(*_: Any, **__: Any) -> Any:
        raise MemoryError

    owner = loop.model if part == "decode" else loop.generation._scheduler
    monkeypatch.setattr(owner, part, fail)
    loop.run()
    assert all(isinstance(loop.last_events[id], Failed) for id in (1, 2))
    monkeypatch.undo()
    loop.add(3, "def f(")
    loop.run()
    assert loop.texts[3] == predict_continuation("def f(")
