"""The engine's loop on a simulated model: scheduling, KV reuse, interruption, memory."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from copilotd.engine.protocol import Failed, Finish, Output
from copilotd.engine.types import FinishReason, Lane
from copilotd.engine.worker.llama.model import Entry
from copilotd.errors import ContextOverflow, InvalidRequest
from tests.engine.worker.engine_loop import Bench, text_after
from tests.engine.worker.kv.fake_archive import archive_in
from tests.engine.worker.simulated_model import CELL_BYTES, expected_text


def test_a_request_gets_what_the_model_predicts() -> None:
    bench = Bench()
    bench.add(1, "def f(")
    bench.run()
    assert bench.texts[1] == text_after("def f(")
    finish = bench.last[1]
    assert isinstance(finish, Finish)
    assert finish.finished.reason is FinishReason.LENGTH


def test_a_second_request_evaluates_only_what_is_new() -> None:
    bench = Bench()
    bench.add(1, "x" * 100, n=1)
    bench.run()
    before = bench.model.evaluated
    bench.add(2, "x" * 100 + "yz", n=1)
    bench.run()
    assert bench.usage(2).cached_tokens == 100
    assert bench.model.evaluated - before == 2
    assert bench.texts[2] == text_after("x" * 100 + "yz", 1)


def test_the_same_prompt_again_evaluates_its_last_token_only() -> None:
    bench = Bench()
    for id in (1, 2):
        bench.add(id, "same prompt", n=3)
        bench.run()
    assert bench.usage(2).cached_tokens == len("same prompt") - 1
    assert bench.texts[1] == bench.texts[2] == text_after("same prompt", 3)


def test_two_conversations_share_their_beginning_and_both_keep_their_cells() -> None:
    bench = Bench()
    system = "s" * 60
    bench.add(1, system + "a" * 80, n=2)
    bench.run()
    bench.add(2, system + "b" * 80, n=2)
    bench.run()
    assert bench.usage(2).cached_tokens == 60
    bench.add(3, system + "a" * 80, n=2)
    bench.run()
    assert bench.usage(3).cached_tokens == 139


def test_choices_of_one_prompt_evaluate_it_once() -> None:
    bench = Bench()
    for id in (1, 2, 3):
        bench.add(id, "p" * 90, n=4)
    bench.run()
    assert [bench.usage(id).cached_tokens for id in (1, 2, 3)] == [0, 89, 89]
    assert {bench.texts[id] for id in (1, 2, 3)} == {text_after("p" * 90, 4)}


def test_a_completion_goes_before_a_chat_that_came_first() -> None:
    bench = Bench()
    bench.add(1, "chat", n=50, lane=Lane.CHAT)
    bench.run(steps=5)
    bench.add(2, "complete", n=5, lane=Lane.COMPLETION)
    bench.run()
    assert bench.order == [2, 1]
    assert bench.texts[1] == text_after("chat", 50)
    assert bench.texts[2] == text_after("complete", 5)


def test_a_completion_takes_the_slot_of_a_chat_when_all_are_busy() -> None:
    bench = Bench(n_seq=2)
    bench.add(1, "first chat", n=40)
    bench.add(2, "second chat", n=40)
    bench.run(steps=6)
    bench.add(3, "complete", n=5, lane=Lane.COMPLETION)
    bench.run()
    assert bench.order[0] == 3
    assert bench.texts[1] == text_after("first chat", 40)
    assert bench.texts[2] == text_after("second chat", 40)


def test_a_completion_gets_its_cells_although_a_chat_fills_the_context() -> None:
    bench = Bench(n_ctx=300)
    bench.add(1, "c" * 200, n=90)
    bench.run(steps=10)
    bench.add(2, "d" * 150, n=5, lane=Lane.COMPLETION)
    bench.run()
    assert bench.order == [2, 1]
    assert bench.texts[2] == text_after("d" * 150, 5)
    assert bench.texts[1] == text_after("c" * 200, 90)


def test_a_prompt_that_is_always_interrupted_is_read_in_smaller_parts() -> None:
    bench = Bench()

    def interrupt_long_batches(entries: Sequence[Entry]) -> None:
        if len(entries) > 16:
            bench.interrupt.flag[0] = b"\1"

    bench.model.before_decode = interrupt_long_batches
    bench.add(1, "c" * 200, n=5)
    bench.run(steps=100)
    assert bench.texts[1] == text_after("c" * 200, 5)


def test_an_idle_slot_gives_way_when_cells_run_out() -> None:
    bench = Bench(n_ctx=200)
    for id, letter in enumerate("abcd"):
        bench.add(id, letter * 120, n=3)
        bench.run()
    assert [bench.texts[i] for i in range(4)] == [text_after(c * 120, 3) for c in "abcd"]


def test_a_cancelled_request_ends_without_an_event_and_leaves_the_others() -> None:
    bench = Bench()
    bench.add(1, "one", n=20)
    bench.add(2, "two", n=20)
    bench.run(steps=4)
    bench.loop.cancel(1)
    bench.run()
    assert bench.order == [2]
    assert bench.texts[2] == text_after("two", 20)


def test_an_interrupted_prompt_goes_on_where_it_stood() -> None:
    bench = Bench()
    fired = False

    def interrupt_once(entries: Sequence[Entry]) -> None:
        nonlocal fired
        if not fired:
            fired = True
            bench.interrupt.arrived(Lane.COMPLETION)

    bench.model.before_decode = interrupt_once
    bench.add(1, "e" * 50, n=4)
    bench.loop.step()
    bench.interrupt.taken()
    bench.run()
    assert bench.texts[1] == text_after("e" * 50, 4)


def test_output_ends_before_a_stop_string() -> None:
    bench = Bench()
    whole = text_after("stop here", 30)
    stop = whole[10:13]
    bench.add(1, "stop here", n=30, stop=[stop])
    bench.run()
    assert bench.texts[1] == whole[: whole.index(stop)]
    finish = bench.last[1]
    assert isinstance(finish, Finish)
    assert finish.finished.reason is FinishReason.STOP


def test_a_prompt_that_fills_the_context_is_refused() -> None:
    bench = Bench(n_ctx=100)
    with pytest.raises(ContextOverflow, match="the prompt has 100 tokens, the context 100"):
        bench.add(1, "x" * 100)


def test_an_answer_ends_where_the_context_does() -> None:
    bench = Bench(n_ctx=100)
    bench.add(1, "x" * 90, n=500)
    bench.run()
    assert bench.texts[1] == text_after("x" * 90, 10)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [([], "the prompt is empty"), ([1, 900], "outside the vocabulary")],
)
def test_a_prompt_that_cannot_be_evaluated_is_refused(prompt: list[int], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        Bench().add(1, prompt)


def test_prompt_scores_cover_every_token_although_the_cache_holds_it() -> None:
    bench = Bench()
    bench.add(1, "scored prompt", n=2)
    bench.run()
    bench.add(2, "scored prompt", n=0, logprobs=1, prompt_logprobs=True)
    chunks = []
    bench.loop._emit = lambda event: chunks.append(event)
    bench.run()
    output = chunks[0]
    assert isinstance(output, Output)
    assert b"".join(t.text for t in output.chunk.tokens) == b"scored prompt"
    assert output.chunk.tokens[0].logprob is None
    assert all(t.logprob is not None and len(t.top) == 1 for t in output.chunk.tokens[1:])


@pytest.mark.parametrize("seed", range(100))
def test_any_mix_of_requests_gives_the_output_of_a_fresh_evaluation(
    seed: int, tmp_path: Path
) -> None:
    """Shared beginnings, preemption, eviction, interrupts, cancels, restarts; by the seed."""
    rng = random.Random(seed)
    stems = ["a" * 40, "a" * 20 + "b" * 30, "c" * 60]
    for _ in range(rng.choice([1, 1, 3])):
        bench = Bench(
            n_ctx=rng.choice([150, 300, 600]),
            n_seq=rng.choice([1, 2, 4, 8]),
            park_bytes=rng.choice([0, 150, 1000]),
            resident_cells=rng.choice([0, 50, 200]),
            archive=archive_in(tmp_path, budget=rng.choice([0, 400, 10_000]) * CELL_BYTES),
        )
        wanted: dict[int, tuple[list[int], int]] = {}

        def sometimes_interrupt(entries: Sequence[Entry], bench: Bench = bench) -> None:
            if rng.random() < 0.2:
                bench.interrupt.flag[0] = b"\1"

        bench.model.before_decode = sometimes_interrupt
        for id in range(30):
            prompt = list((rng.choice(stems) + "x" * rng.randrange(1, 40)).encode())
            n = rng.randrange(1, 25)
            bench.add(id, prompt, n, rng.choice(list(Lane)))
            wanted[id] = (prompt, n)
            bench.run(steps=rng.randrange(12))
            if rng.random() < 0.15:
                victim = rng.randrange(id + 1)
                bench.loop.cancel(victim)
                if victim not in bench.last:
                    wanted.pop(victim, None)
            if rng.random() < 0.2:
                bench.pool.file(lambda: rng.random() < 0.9)
        bench.run()
        bench.pool.file_last(lambda: True)
        assert {id: bench.texts[id] for id in wanted} == {
            id: expected_text(prompt, n) for id, (prompt, n) in wanted.items()
        }
        assert not any(isinstance(event, Failed) for event in bench.last.values())


def test_an_unfinished_word_is_healed_and_not_repeated() -> None:
    bench = Bench()
    bench.add(1, "def f(x): ", tail="return va")
    bench.run()
    assert bench.texts[1] == text_after("def f(x): return va")


def test_the_tokens_of_a_healed_word_do_not_count_as_output() -> None:
    bench = Bench()
    bench.add(1, "x = ", n=3, tail="value")
    bench.run()
    assert len(bench.texts[1]) == 3


def test_two_requests_that_do_not_fit_beside_each_other_with_their_words_take_turns() -> None:
    bench = Bench(n_ctx=60, n_seq=2)
    for id, letter in ((1, "x"), (2, "y")):
        bench.add(id, letter * 20 + " ", n=8, tail="abcdefghij")
    bench.run(steps=200)
    assert bench.texts[1] == text_after("x" * 20 + " abcdefghij")
    assert bench.texts[2] == text_after("y" * 20 + " abcdefghij")


def test_a_tail_alone_can_be_a_prompt() -> None:
    bench = Bench()
    bench.add(1, [], tail="word")
    bench.run()
    assert bench.texts[1] == text_after("word")


def test_a_keystroke_in_a_word_evaluates_nothing_that_was_foreseen() -> None:
    bench = Bench()
    foreseen = text_after("x" * 50 + " ", 4)
    bench.add(1, "x" * 50, n=4, tail=" ", lane=Lane.COMPLETION)
    bench.run()
    before = bench.model.evaluated
    bench.add(2, "x" * 50, n=2, tail=" " + foreseen[:2], lane=Lane.COMPLETION)
    bench.run()
    assert bench.texts[2] == foreseen[2:]
    assert bench.usage(2).cached_tokens == bench.usage(2).prompt_tokens == 51
    assert bench.model.evaluated == before


def test_chat_leaves_no_trail() -> None:
    bench = Bench()
    for id in (1, 2):
        bench.add(id, "same prompt", n=3, lane=Lane.CHAT)
        bench.run()
    assert bench.model.evaluated > len("same prompt") + 3
