"""Cells of moved text are found and reused, and never mistaken for exact ones.

The simulated model writes in upper case if a cell differs from that of a fresh evaluation.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from copilotd.engine.protocol import Failed
from copilotd.engine.tokens.moved_run import TokenRun, find_moved_run
from copilotd.engine.types import Lane
from copilotd.engine.worker.llama.batch import BatchEntry
from tests.engine.worker.engine_loop import EngineLoop, predict_continuation
from tests.engine.worker.kv.fake_disk_tier import disk_tier_in
from tests.engine.worker.simulated_model import CELL_BYTES, predict_output

TEXT = "".join(chr(ord("a") + i * i // 7 % 26) for i in range(200))
"""No part of it occurs twice."""
TOKENS = list(range(200))


def make_prompt(before: str, after: str) -> tuple[list[int], tuple[int, int]]:
    """Make a prompt of the usual order; returns it with its repositionable range."""
    prompt = list(f"({before}){after}|".encode())
    return prompt, (len(before) + 2, len(prompt) - 1)


def add_request(
    loop: EngineLoop, id: int, before: str, after: str, n: int = 4, **options: object
) -> None:
    prompt, repositionable = make_prompt(before, after)
    loop.add(id, prompt, n, repositionable=repositionable, **options)  # type: ignore[arg-type]


def run_request(
    loop: EngineLoop, id: int, before: str, after: str, n: int = 4, **options: object
) -> int:
    """Run a request to its end; returns the evaluated tokens without the generated ones."""
    before_run = loop.model.n_evaluated
    add_request(loop, id, before, after, n, **options)
    loop.run()
    return loop.model.n_evaluated - before_run - (n - 1)


@pytest.mark.parametrize(
    ("new", "old", "run"),
    [
        (TOKENS, TOKENS, TokenRun(3, 3, 197)),
        (TOKENS[20:120], TOKENS, TokenRun(23, 3, 97)),
        ([*range(500, 510), *TOKENS[:80]], TOKENS, TokenRun(3, 13, 77)),
        ([*TOKENS[:50], 999, *TOKENS[50:120], 998, *TOKENS[120:]], TOKENS, TokenRun(123, 125, 77)),
        ([*TOKENS[:40], *TOKENS[:100]], TOKENS, TokenRun(3, 43, 97)),
        (TOKENS[:34], TOKENS, None),
        (TOKENS[:35], TOKENS, TokenRun(3, 3, 32)),
        (TOKENS[:31], TOKENS, None),
        (TOKENS, TOKENS[:31], None),
        (TOKENS, [], None),
        ([], TOKENS, None),
        (TOKENS, TOKENS[::-1], None),
    ],
)
def test_the_longest_run_is_found_without_its_first_tokens(
    new: list[int], old: list[int], run: TokenRun | None
) -> None:
    assert find_moved_run(new, old) == run


def test_only_the_first_tokens_of_a_moved_suffix_are_evaluated() -> None:
    loop = EngineLoop()
    run_request(loop, 1, "before", TEXT[:120])
    evaluated = run_request(loop, 2, "before and more", TEXT[:120])
    # " and more", the suffix marker, the first three tokens of the suffix, the middle marker.
    assert evaluated == 9 + 1 + 3 + 1
    assert loop.usage(2).cached_tokens == 7 + 117
    prompt, _ = make_prompt("before and more", TEXT[:120])
    assert loop.texts[2].lower() == predict_output(prompt, 4)
    assert loop.texts[2].isupper()


@pytest.mark.parametrize("moved", [-30, 30])
def test_the_suffix_is_reused_when_the_cursor_moves_up_or_down(moved: int) -> None:
    loop = EngineLoop()
    run_request(loop, 1, TEXT[:50], TEXT[50:150])
    run_request(loop, 2, TEXT[: 50 + moved], TEXT[50 + moved : 150 + moved])
    assert loop.model.n_repositioned == 100 - 30 - 3


def test_keystrokes_after_a_reposition_only_append() -> None:
    loop = EngineLoop()
    run_request(loop, 1, "before", TEXT[:120])
    run_request(loop, 2, "before and more", TEXT[:120])
    assert run_request(loop, 3, "before and more", TEXT[:120], tail="x = ") == 4
    assert loop.model.n_repositioned == 117


def test_an_exact_request_reuses_no_repositioned_cells() -> None:
    loop = EngineLoop()
    run_request(loop, 1, "before", TEXT[:120])
    run_request(loop, 2, "before and more", TEXT[:120])
    prompt, _ = make_prompt("before and more", TEXT[:120])
    loop.add(3, prompt)
    loop.run()
    assert loop.texts[3] == predict_output(prompt, 8)
    assert loop.usage(3).cached_tokens == 1 + 15 + 1 + 3
    loop.add(4, prompt)
    loop.run()
    assert loop.usage(4).cached_tokens == len(prompt) - 1


def test_predictions_from_repositioned_cells_are_not_cached_for_exact_requests() -> None:
    loop = EngineLoop()
    run_request(loop, 1, "before", TEXT[:120], lane=Lane.COMPLETION)
    run_request(loop, 2, "before and more", TEXT[:120], lane=Lane.COMPLETION)
    prompt, _ = make_prompt("before and more", TEXT[:120])
    loop.add(3, prompt, lane=Lane.COMPLETION)
    loop.run()
    assert loop.texts[3] == predict_output(prompt, 8)


def test_exact_cells_also_serve_a_request_that_allows_repositioned_ones() -> None:
    loop = EngineLoop()
    prompt, _ = make_prompt("before", TEXT[:120])
    loop.add(1, prompt)
    loop.run()
    assert run_request(loop, 2, "before", TEXT[:120]) == 1
    assert loop.texts[2].islower()
    assert loop.model.n_repositioned == 0


def test_a_run_is_found_in_the_memory_tier() -> None:
    loop = EngineLoop(resident_cells=0, memory_tier_cells=1000)
    run_request(loop, 1, "before", TEXT[:120])
    loop.add(2, "c" * 60)
    loop.run()
    assert run_request(loop, 3, "before and more", TEXT[:120]) == 14


def test_a_sequence_with_repositioned_cells_stays_approximate_in_the_memory_tier() -> None:
    loop = EngineLoop(resident_cells=0, memory_tier_cells=1000)
    run_request(loop, 1, "before", TEXT[:120])
    run_request(loop, 2, "before and more", TEXT[:120])
    loop.add(3, "c" * 60)
    loop.run()
    assert run_request(loop, 4, "before and more", TEXT[:120], tail="x = ") == 4
    loop.add(5, "c" * 60)
    loop.run()
    prompt, _ = make_prompt("before and more", TEXT[:120])
    loop.add(6, prompt)
    loop.run()
    assert loop.texts[6] == predict_output(prompt, 8)


def test_only_the_exact_prefix_is_written_to_disk(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    loop = EngineLoop(disk=disk)
    run_request(loop, 1, "before" * 10, TEXT[:120], n=1)
    run_request(loop, 2, "before" * 11, TEXT[:120], n=1)
    loop.pool.persist_latest(lambda: True)
    (file,) = disk.entries
    assert bytes(file.tokens).decode() == f"({'before' * 11}){TEXT[:3]}"
    state = file.read_state()
    assert state is not None and len(state) == len(file.tokens) * CELL_BYTES


def test_only_the_exact_prefix_of_a_sequence_in_memory_is_written_to_disk(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    loop = EngineLoop(resident_cells=0, memory_tier_cells=2000, disk=disk)
    run_request(loop, 1, "before" * 10, TEXT[:120], n=1)
    run_request(loop, 2, "before" * 11, TEXT[:120], n=1)
    loop.add(3, "c" * 60)
    loop.run()
    loop.pool.persist(lambda: True)
    tokens = [bytes(file.tokens).decode() for file in disk.entries]
    assert f"({'before' * 11}){TEXT[:3]}" in tokens
    assert not any(f"({'before' * 11}){TEXT[:4]}" in text for text in tokens)


def test_a_run_can_move_again_and_again() -> None:
    loop = EngineLoop()
    run_request(loop, 0, "before", TEXT[:120])
    evaluated = [run_request(loop, n, "before" + "x" * n, TEXT[:120]) for n in range(1, 5)]
    # Each time: one more letter, the marker, the first tokens of the run, the last marker.
    assert evaluated == [1 + 1 + 3 + 1] * 4
    assert loop.texts[4].isupper()


@pytest.mark.parametrize("capability", ["can_shift", "can_trim", "can_insert"])
def test_if_cells_cannot_be_moved_the_whole_prompt_is_evaluated(capability: str) -> None:
    loop = EngineLoop()
    setattr(loop.model, capability, False)
    loop.model.can_shift &= loop.model.can_trim
    run_request(loop, 1, "before", TEXT[:120])
    run_request(loop, 2, "before and more", TEXT[:120])
    assert loop.texts[2] == predict_continuation(f"(before and more){TEXT[:120]}|", 4)
    assert loop.model.n_repositioned == 0


def test_a_run_is_inserted_although_the_tokens_before_it_were_interrupted() -> None:
    loop = EngineLoop()
    run_request(loop, 1, "before", TEXT[:120])
    stops = iter([False, True, True])

    def stop(entries: Sequence[BatchEntry]) -> None:
        if next(stops, False):
            loop.interrupt.flag[0] = b"\1"

    loop.model.before_decode = stop
    assert run_request(loop, 2, "before" + "y" * 100, TEXT[:120]) == 100 + 1 + 3 + 1
    assert loop.model.n_repositioned == 117


def test_a_request_that_is_cancelled_before_its_run_leaves_no_cells_behind() -> None:
    loop = EngineLoop()
    run_request(loop, 1, "before", TEXT[:120])
    loop.model.before_decode = lambda entries: loop.interrupt.flag.__setitem__(0, b"\1")
    add_request(loop, 2, "before" + "y" * 100, TEXT[:120])
    loop.run(max_steps=3)
    loop.generation.cancel(2)
    assert loop.pool.make_room(loop.pool.n_cells)
    assert loop.model.n_repositioned == 0


@pytest.mark.parametrize("seed", range(150))
def test_in_any_mix_exact_requests_get_the_output_of_a_fresh_evaluation(
    seed: int, tmp_path: Path
) -> None:
    """Mix approximate and exact requests of the same prompts, in all lanes, with interrupts."""
    rng = random.Random(seed)
    moved = 0
    for _ in range(rng.choice([1, 1, 2])):
        loop = EngineLoop(
            n_ctx=rng.choice([220, 300, 600]),
            n_seq=rng.choice([1, 2, 4, 8]),
            memory_tier_cells=rng.choice([0, 300, 2000]),
            resident_cells=rng.choice([0, 50, 300]),
            disk=disk_tier_in(tmp_path, budget=rng.choice([0, 400, 10_000]) * CELL_BYTES),
        )
        expected: dict[int, tuple[list[int], int, bool]] = {}

        def sometimes_interrupt(entries: Sequence[BatchEntry], loop: EngineLoop = loop) -> None:
            loop.model.can_insert = rng.random() < 0.9
            if rng.random() < 0.2:
                loop.interrupt.flag[0] = b"\1"

        loop.model.before_decode = sometimes_interrupt
        for id in range(30):
            offset = rng.randrange(0, 60, 6)
            prompt, repositionable = make_prompt(
                TEXT[:offset], TEXT[offset : offset + rng.randrange(40, 120)]
            )
            n, approximate = rng.randrange(1, 20), rng.random() < 0.6
            tail = "x" * rng.randrange(3)
            options: dict[str, Any] = (
                {"repositionable": repositionable, "tail": tail} if approximate else {}
            )
            loop.add(id, prompt, n, rng.choice(list(Lane)), **options)
            expected[id] = ([*prompt, *tail.encode()] if approximate else prompt, n, approximate)
            loop.run(max_steps=rng.randrange(12))
            if rng.random() < 0.15:
                cancelled = rng.randrange(id + 1)
                loop.generation.cancel(cancelled)
                if cancelled not in loop.last_events:
                    expected.pop(cancelled, None)
            if rng.random() < 0.2:
                loop.pool.persist(lambda: rng.random() < 0.9)
        loop.run()
        loop.pool.persist_latest(lambda: True)
        moved += loop.model.n_repositioned
        for id, (prompt, n, approximate) in expected.items():
            text = loop.texts[id].lower() if approximate else loop.texts[id]
            assert text == predict_output(prompt, n), (id, approximate)
        assert not any(isinstance(event, Failed) for event in loop.last_events.values())
    assert moved
