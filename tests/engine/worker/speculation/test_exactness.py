"""Speculation changes nothing of the output, whatever else happens."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from copilotd.engine.protocol import Failed
from copilotd.engine.types import GenerateRequest, Lane, Sampling
from copilotd.engine.worker.constraints.token_healing import Constraint
from copilotd.engine.worker.llama.batch import BatchEntry
from copilotd.engine.worker.llama.sampling import Logits, Sampler
from copilotd.engine.worker.llama.token_bytes import TokenBytes
from copilotd.engine.worker.scheduling.sequence import Sequence as GeneratedSequence
from copilotd.engine.worker.speculation.speculation import is_clear
from tests.engine.worker.engine_loop import EngineLoop
from tests.engine.worker.simulated_model import predict_output, predict_repetition
from tests.engine.worker.speculation.repetitive_model import (
    PROMPT,
    SpeculatingLoop,
    predict_period,
    read_cached_text,
)


def test_a_close_choice_in_a_batch_is_evaluated_again_alone() -> None:
    loop = SpeculatingLoop()
    counts, n_undecided = loop.speculation.counts, 0

    def check_batch_is_single(entries: Sequence[BatchEntry]) -> None:
        nonlocal n_undecided
        is_decided = n_undecided == counts.undecided
        assert is_decided or len(entries) == 1 or loop.generation.active_lane is None
        n_undecided = counts.undecided

    loop.model.before_decode = check_batch_is_single
    texts = {}
    for id in range(40):
        prompt = PROMPT + chr(ord("A") + id)
        loop.add(id, prompt, max_tokens=60)
        loop.run()
        texts[id] = predict_output(list(prompt.encode()), 60, predict_repetition)
    assert {id: loop.texts[id] for id in texts} == texts
    assert counts.undecided > 10 and counts.accepted > 200


def test_a_close_choice_after_a_batch_evaluates_the_batch_again_token_by_token() -> None:
    loop = SpeculatingLoop()
    batches: list[tuple[int, int]] = []
    loop.model.before_decode = lambda entries: batches.append(
        (len(entries), sum(entry.wants_logits for entry in entries))
    )
    texts = {}
    for id in range(40):
        prompt = PROMPT + chr(ord("A") + id)
        loop.add(id, prompt, max_tokens=60)
        loop.run()
        texts[id] = predict_output(list(prompt.encode()), 60, predict_repetition)
    assert {id: loop.texts[id] for id in texts} == texts
    assert loop.speculation.counts.reevaluated > 100
    # Only prompts are evaluated many tokens at once where one prediction is wanted.
    assert sum(size > 1 and n_logits == 1 for size, n_logits in batches) <= 40


def test_an_approximate_prediction_decides_an_unfinished_word_only_with_a_clear_lead() -> None:
    request = GenerateRequest([1], 1)
    pieces = TokenBytes([b"xa", b"xb", b"y"])
    sequence = GeneratedSequence(1, request, Sampler(request.sampling, 3), Constraint(pieces, b"x"))
    verdicts = [
        is_clear(sequence, np.array(logits, np.float32))
        for logits in ([5.0, 4.5, 9.0], [5.0, 3.5, 9.0], [3.5, 5.0, 9.0])
    ]
    assert verdicts == [False, True, True]


def test_an_approximate_prediction_is_evaluated_again_for_a_request_that_samples() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=40, lane=Lane.COMPLETION)
    loop.run()
    loop.batch_sizes.clear()
    sampling = Sampling(temperature=0.5, seed=1)
    loop.add(2, PROMPT + "abcdefg" * 3, max_tokens=2, lane=Lane.COMPLETION, sampling=sampling)
    loop.run()
    assert loop.batch_sizes == [1, 1]


def test_an_interrupted_batch_leaves_nothing_of_its_draft() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    loop.add(1, PROMPT, max_tokens=100)
    loop.run(max_steps=1)
    for index in (0, 1, 2, 5):
        loop.model.interrupt_at = index
        n_written = len(loop.texts[1])
        loop.run(max_steps=1)
        assert loop.batch_sizes[-1] > 5
        assert read_cached_text(loop) == PROMPT + loop.texts[1][:-1]
        assert len(loop.texts[1]) == n_written
        loop.model.interrupt_at = None
        loop.run(max_steps=1)
    loop.run()
    assert loop.texts[1] == (PROMPT * 5)[:100]


def test_a_sequence_with_repositioned_cells_speculates_like_any_other() -> None:
    loop = SpeculatingLoop(predict_period)
    loop.warm_up()
    after = "(" + "".join(chr(ord("a") + i * i // 7 % 26) for i in range(120)) + ")"
    for id, before in enumerate(["before", "before and more"]):
        prompt = list((before + after).encode())
        loop.add(id, prompt, max_tokens=60, repositionable=(len(before), len(prompt) - 1))
        accepted = loop.speculation.counts.accepted
        loop.run()
    assert loop.model.n_repositioned > 100
    assert loop.speculation.counts.accepted > accepted + 30
    assert loop.texts[1] == predict_output(prompt, 60, predict_period).upper()


@pytest.mark.parametrize("seed", range(40))
def test_any_mix_of_requests_gives_the_same_output_as_without_speculation(seed: int) -> None:
    """The seed chooses shared prefixes, preemption, eviction, interrupts, cancels and stops."""
    rng = random.Random(seed)
    stems = ["abcdefg" * 6, "abcdefg" * 3 + "ABCDEFG" * 4, "c" * 60]
    loop = SpeculatingLoop(
        predict_clearly,
        n_ctx=rng.choice([150, 300, 600]),
        n_seq=rng.choice([1, 2, 4, 8]),
        memory_tier_cells=rng.choice([0, 150, 1000]),
    )
    loop.model.before_decode = lambda entries: interrupt_sometimes(loop, rng)
    expected: dict[int, str] = {}
    for id in range(30):
        prompt = list((rng.choice(stems) + "x" * rng.randrange(8)).encode())
        max_tokens, stop = rng.randrange(1, 60), rng.choice([[], ["fgab"], ["qq", "gA"]])
        loop.add(id, prompt, max_tokens, rng.choice(list(Lane)), stop=stop)
        expected[id] = cut_at_stop(predict_output(prompt, max_tokens, predict_clearly), stop)
        loop.run(max_steps=rng.randrange(25))
        if rng.random() < 0.15:
            victim = rng.randrange(id + 1)
            loop.generation.cancel(victim)
            if victim not in loop.last_events:
                expected.pop(victim, None)
    loop.run()
    assert {id: loop.texts[id] for id in expected} == expected
    assert not any(isinstance(event, Failed) for event in loop.last_events.values())
    assert loop.speculation.counts.accepted > 0


def predict_clearly(tokens: list[int]) -> Logits:
    """`predict_repetition` without close choices, which depend on who else is in a batch."""
    logits = predict_repetition(tokens)
    logits[ord("#")] = 0.0
    return logits


def interrupt_sometimes(loop: EngineLoop, rng: random.Random) -> None:
    loop.model.interrupt_at = rng.randrange(20) if rng.random() < 0.2 else None


def cut_at_stop(text: str, stop: list[str]) -> str:
    return text[: min((at for s in stop if (at := text.find(s)) >= 0), default=len(text))]
