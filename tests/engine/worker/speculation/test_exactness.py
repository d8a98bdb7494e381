"""Guesses change nothing of what is written, whatever else happens."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from copilotd.engine.protocol import Failed
from copilotd.engine.types import GenerateRequest, Lane, Sampling
from copilotd.engine.worker.constraints.token_healing import Constraint
from copilotd.engine.worker.llama.model import Entry
from copilotd.engine.worker.llama.sampling import Logits, Sampler
from copilotd.engine.worker.llama.token_bytes import Pieces
from copilotd.engine.worker.scheduling.sequence import Sequence as Generated
from copilotd.engine.worker.speculation.speculation import is_clear
from tests.engine.worker.engine_loop import Bench
from tests.engine.worker.simulated_model import expected_text, repeating
from tests.engine.worker.speculation.repetitive_model import PROMPT, Guessing, held, period


def test_a_close_choice_in_a_batch_is_made_again_alone() -> None:
    bench = Guessing()
    tally, opened = bench.speculation.tally, 0

    def alone_if_open(entries: Sequence[Entry]) -> None:
        nonlocal opened
        assert opened == tally.open or len(entries) == 1 or bench.loop.lane is None
        opened = tally.open

    bench.model.before_decode = alone_if_open
    texts = {}
    for id in range(40):
        prompt = PROMPT + chr(ord("A") + id)
        bench.add(id, prompt, n=60)
        bench.run()
        texts[id] = expected_text(list(prompt.encode()), 60, repeating)
    assert {id: bench.texts[id] for id in texts} == texts
    assert tally.open > 10 and tally.accepted > 200


def test_a_close_choice_behind_a_batch_has_it_evaluated_again_token_by_token() -> None:
    bench = Guessing()
    batches: list[tuple[int, int]] = []
    bench.model.before_decode = lambda entries: batches.append(
        (len(entries), sum(entry.wants_logits for entry in entries))
    )
    texts = {}
    for id in range(40):
        prompt = PROMPT + chr(ord("A") + id)
        bench.add(id, prompt, n=60)
        bench.run()
        texts[id] = expected_text(list(prompt.encode()), 60, repeating)
    assert {id: bench.texts[id] for id in texts} == texts
    assert bench.speculation.tally.mended > 100
    # Only prompts are evaluated many tokens at once where one prediction is wanted.
    assert sum(size > 1 and wanted == 1 for size, wanted in batches) <= 40


def test_what_was_guessed_decides_an_unfinished_word_only_where_that_is_clear() -> None:
    request = GenerateRequest([1], 1)
    pieces = Pieces([b"xa", b"xb", b"y"])
    sequence = Generated(1, request, Sampler(request.sampling, 3), Constraint(pieces, b"x"))
    verdicts = [
        is_clear(sequence, np.array(logits, np.float32))
        for logits in ([5.0, 4.5, 9.0], [5.0, 3.5, 9.0], [3.5, 5.0, 9.0])
    ]
    assert verdicts == [False, True, True]


def test_what_was_guessed_is_evaluated_again_for_one_who_does_not_want_the_most_probable() -> None:
    bench = Guessing(period)
    bench.learn()
    bench.add(1, PROMPT, n=40, lane=Lane.COMPLETION)
    bench.run()
    bench.sizes.clear()
    sampling = Sampling(temperature=0.5, seed=1)
    bench.add(2, PROMPT + "abcdefg" * 3, n=2, lane=Lane.COMPLETION, sampling=sampling)
    bench.run()
    assert bench.sizes == [1, 1]


def test_an_interrupted_batch_leaves_nothing_of_its_guesses() -> None:
    bench = Guessing(period)
    bench.learn()
    bench.add(1, PROMPT, n=100)
    bench.run(steps=1)
    for at in (0, 1, 2, 5):
        bench.model.interrupt_at = at
        written = len(bench.texts[1])
        bench.run(steps=1)
        assert bench.sizes[-1] > 5
        assert held(bench) == PROMPT + bench.texts[1][:-1]
        assert len(bench.texts[1]) == written
        bench.model.interrupt_at = None
        bench.run(steps=1)
    bench.run()
    assert bench.texts[1] == (PROMPT * 5)[:100]


def test_what_goes_on_from_cells_that_moved_is_guessed_like_any_other() -> None:
    bench = Guessing(period)
    bench.learn()
    after = "(" + "".join(chr(ord("a") + i * i // 7 % 26) for i in range(120)) + ")"
    for id, before in enumerate(["before", "before and more"]):
        prompt = list((before + after).encode())
        bench.add(id, prompt, n=60, movable=(len(before), len(prompt) - 1))
        accepted = bench.speculation.tally.accepted
        bench.run()
    assert bench.model.moved > 100
    assert bench.speculation.tally.accepted > accepted + 30
    assert bench.texts[1] == expected_text(prompt, 60, period).upper()


@pytest.mark.parametrize("seed", range(40))
def test_any_mix_of_requests_gives_what_it_gives_without_guesses(seed: int) -> None:
    """Shared beginnings, preemption, eviction, interrupts, cancels, stops; by the seed."""
    rng = random.Random(seed)
    stems = ["abcdefg" * 6, "abcdefg" * 3 + "ABCDEFG" * 4, "c" * 60]
    bench = Guessing(
        steady,
        n_ctx=rng.choice([150, 300, 600]),
        n_seq=rng.choice([1, 2, 4, 8]),
        park_bytes=rng.choice([0, 150, 1000]),
    )
    bench.model.before_decode = lambda entries: interrupted(bench, rng)
    wanted: dict[int, str] = {}
    for id in range(30):
        prompt = list((rng.choice(stems) + "x" * rng.randrange(8)).encode())
        n, stop = rng.randrange(1, 60), rng.choice([[], ["fgab"], ["qq", "gA"]])
        bench.add(id, prompt, n, rng.choice(list(Lane)), stop=stop)
        wanted[id] = stopped(expected_text(prompt, n, steady), stop)
        bench.run(steps=rng.randrange(25))
        if rng.random() < 0.15:
            victim = rng.randrange(id + 1)
            bench.loop.cancel(victim)
            if victim not in bench.last:
                wanted.pop(victim, None)
    bench.run()
    assert {id: bench.texts[id] for id in wanted} == wanted
    assert not any(isinstance(event, Failed) for event in bench.last.values())
    assert bench.speculation.tally.accepted > 0


def steady(tokens: list[int]) -> Logits:
    """`repeating` without close choices, which depend on who else is in a batch."""
    logits = repeating(tokens)
    logits[ord("#")] = 0.0
    return logits


def interrupted(bench: Bench, rng: random.Random) -> None:
    bench.model.interrupt_at = rng.randrange(20) if rng.random() < 0.2 else None


def stopped(text: str, stop: list[str]) -> str:
    return text[: min((at for s in stop if (at := text.find(s)) >= 0), default=len(text))]
