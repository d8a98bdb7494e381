"""Cells of text that has moved: found, put in, and never taken for exact ones.

The simulated model writes in upper case where not every cell is that of a fresh evaluation.
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
from tests.engine.worker.engine_loop import EngineLoop, expected_continuation
from tests.engine.worker.kv.fake_disk_tier import disk_tier_in
from tests.engine.worker.simulated_model import CELL_BYTES, expected_output

TEXT = "".join(chr(ord("a") + i * i // 7 % 26) for i in range(200))
"""No part of it comes twice."""
WORD = list(range(200))


def repositionable(before: str, after: str) -> tuple[list[int], tuple[int, int]]:
    """A prompt of the usual order, and which part of it may be moved."""
    prompt = list(f"({before}){after}|".encode())
    return prompt, (len(before) + 2, len(prompt) - 1)


def ask(bench: EngineLoop, id: int, before: str, after: str, n: int = 4, **more: object) -> None:
    prompt, where = repositionable(before, after)
    bench.add(id, prompt, n, repositionable=where, **more)  # type: ignore[arg-type]


def asked(bench: EngineLoop, id: int, before: str, after: str, n: int = 4, **more: object) -> int:
    """Evaluate a request to its end; how many tokens that took, those it wrote aside."""
    evaluated = bench.model.n_evaluated
    ask(bench, id, before, after, n, **more)
    bench.run()
    return bench.model.n_evaluated - evaluated - (n - 1)


@pytest.mark.parametrize(
    ("wanted", "held", "run"),
    [
        (WORD, WORD, TokenRun(3, 3, 197)),
        (WORD[20:120], WORD, TokenRun(23, 3, 97)),
        ([*range(500, 510), *WORD[:80]], WORD, TokenRun(3, 13, 77)),
        ([*WORD[:50], 999, *WORD[50:120], 998, *WORD[120:]], WORD, TokenRun(123, 125, 77)),
        ([*WORD[:40], *WORD[:100]], WORD, TokenRun(3, 43, 97)),
        (WORD[:34], WORD, None),
        (WORD[:35], WORD, TokenRun(3, 3, 32)),
        (WORD[:31], WORD, None),
        (WORD, WORD[:31], None),
        (WORD, [], None),
        ([], WORD, None),
        (WORD, WORD[::-1], None),
    ],
)
def test_the_longest_run_is_found_but_for_its_head(
    wanted: list[int], held: list[int], run: TokenRun | None
) -> None:
    assert find_moved_run(wanted, held) == run


def test_a_suffix_that_moved_is_not_evaluated_but_for_its_head() -> None:
    bench = EngineLoop()
    asked(bench, 1, "before", TEXT[:120])
    evaluated = asked(bench, 2, "before and more", TEXT[:120])
    # " and more", the marker of the suffix, three tokens of it, the marker of the middle.
    assert evaluated == 9 + 1 + 3 + 1
    assert bench.usage(2).cached_tokens == 7 + 117
    prompt, _ = repositionable("before and more", TEXT[:120])
    assert bench.texts[2].lower() == expected_output(prompt, 4)
    assert bench.texts[2].isupper()


@pytest.mark.parametrize("moved", [-30, 30])
def test_the_suffix_of_a_cursor_that_went_up_or_down_is_reused(moved: int) -> None:
    bench = EngineLoop()
    asked(bench, 1, TEXT[:50], TEXT[50:150])
    asked(bench, 2, TEXT[: 50 + moved], TEXT[50 + moved : 150 + moved])
    assert bench.model.n_repositioned == 100 - 30 - 3


def test_keystrokes_behind_a_splice_append() -> None:
    bench = EngineLoop()
    asked(bench, 1, "before", TEXT[:120])
    asked(bench, 2, "before and more", TEXT[:120])
    assert asked(bench, 3, "before and more", TEXT[:120], tail="x = ") == 4
    assert bench.model.n_repositioned == 117


def test_an_exact_request_takes_nothing_that_was_moved() -> None:
    bench = EngineLoop()
    asked(bench, 1, "before", TEXT[:120])
    asked(bench, 2, "before and more", TEXT[:120])
    prompt, _ = repositionable("before and more", TEXT[:120])
    bench.add(3, prompt)
    bench.run()
    assert bench.texts[3] == expected_output(prompt, 8)
    assert bench.usage(3).cached_tokens == 1 + 15 + 1 + 3
    bench.add(4, prompt)
    bench.run()
    assert bench.usage(4).cached_tokens == len(prompt) - 1


def test_what_was_predicted_behind_a_splice_is_not_remembered_for_an_exact_request() -> None:
    bench = EngineLoop()
    asked(bench, 1, "before", TEXT[:120], lane=Lane.COMPLETION)
    asked(bench, 2, "before and more", TEXT[:120], lane=Lane.COMPLETION)
    prompt, _ = repositionable("before and more", TEXT[:120])
    bench.add(3, prompt, lane=Lane.COMPLETION)
    bench.run()
    assert bench.texts[3] == expected_output(prompt, 8)


def test_exact_cells_serve_a_request_that_would_take_moved_ones() -> None:
    bench = EngineLoop()
    prompt, _ = repositionable("before", TEXT[:120])
    bench.add(1, prompt)
    bench.run()
    assert asked(bench, 2, "before", TEXT[:120]) == 1
    assert bench.texts[2].islower()
    assert bench.model.n_repositioned == 0


def test_a_run_is_found_in_what_is_parked() -> None:
    bench = EngineLoop(resident_cells=0, memory_tier_bytes=1000)
    asked(bench, 1, "before", TEXT[:120])
    bench.add(2, "c" * 60)
    bench.run()
    assert asked(bench, 3, "before and more", TEXT[:120]) == 14


def test_a_spliced_sequence_that_is_parked_comes_back_as_what_it_is() -> None:
    bench = EngineLoop(resident_cells=0, memory_tier_bytes=1000)
    asked(bench, 1, "before", TEXT[:120])
    asked(bench, 2, "before and more", TEXT[:120])
    bench.add(3, "c" * 60)
    bench.run()
    assert asked(bench, 4, "before and more", TEXT[:120], tail="x = ") == 4
    bench.add(5, "c" * 60)
    bench.run()
    prompt, _ = repositionable("before and more", TEXT[:120])
    bench.add(6, prompt)
    bench.run()
    assert bench.texts[6] == expected_output(prompt, 8)


def test_only_the_exact_beginning_is_written_to_disk(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    bench = EngineLoop(disk=disk)
    asked(bench, 1, "before" * 10, TEXT[:120], n=1)
    asked(bench, 2, "before" * 11, TEXT[:120], n=1)
    bench.pool.persist_latest(lambda: True)
    (file,) = disk.entries
    assert bytes(file.tokens).decode() == f"({'before' * 11}){TEXT[:3]}"
    state = file.read_state()
    assert state is not None and len(state) == len(file.tokens) * CELL_BYTES


def test_only_the_exact_beginning_of_what_is_parked_is_written_to_disk(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    bench = EngineLoop(resident_cells=0, memory_tier_bytes=2000, disk=disk)
    asked(bench, 1, "before" * 10, TEXT[:120], n=1)
    asked(bench, 2, "before" * 11, TEXT[:120], n=1)
    bench.add(3, "c" * 60)
    bench.run()
    bench.pool.persist(lambda: True)
    tokens = [bytes(file.tokens).decode() for file in disk.entries]
    assert f"({'before' * 11}){TEXT[:3]}" in tokens
    assert not any(f"({'before' * 11}){TEXT[:4]}" in text for text in tokens)


def test_a_run_can_move_again_and_again() -> None:
    bench = EngineLoop()
    asked(bench, 0, "before", TEXT[:120])
    evaluated = [asked(bench, n, "before" + "x" * n, TEXT[:120]) for n in range(1, 5)]
    # One letter more each time, the marker, the head of what was moved before, the last marker.
    assert evaluated == [1 + 1 + 3 + 1] * 4
    assert bench.texts[4].isupper()


@pytest.mark.parametrize("lacking", ["can_shift", "can_trim", "can_insert"])
def test_where_cells_cannot_move_all_is_evaluated(lacking: str) -> None:
    bench = EngineLoop()
    setattr(bench.model, lacking, False)
    bench.model.can_shift &= bench.model.can_trim
    asked(bench, 1, "before", TEXT[:120])
    asked(bench, 2, "before and more", TEXT[:120])
    assert bench.texts[2] == expected_continuation(f"(before and more){TEXT[:120]}|", 4)
    assert bench.model.n_repositioned == 0


def test_an_interrupted_front_goes_on_and_is_spliced() -> None:
    bench = EngineLoop()
    asked(bench, 1, "before", TEXT[:120])
    stops = iter([False, True, True])

    def stop(entries: Sequence[BatchEntry]) -> None:
        if next(stops, False):
            bench.interrupt.flag[0] = b"\1"

    bench.model.before_decode = stop
    assert asked(bench, 2, "before" + "y" * 100, TEXT[:120]) == 100 + 1 + 3 + 1
    assert bench.model.n_repositioned == 117


def test_a_request_that_is_cancelled_in_front_of_its_run_leaves_no_cells_behind() -> None:
    bench = EngineLoop()
    asked(bench, 1, "before", TEXT[:120])
    bench.model.before_decode = lambda entries: bench.interrupt.flag.__setitem__(0, b"\1")
    ask(bench, 2, "before" + "y" * 100, TEXT[:120])
    bench.run(max_steps=3)
    bench.generation.cancel(2)
    assert bench.pool.make_room(bench.pool.n_cells)
    assert bench.model.n_repositioned == 0


@pytest.mark.parametrize("seed", range(150))
def test_in_any_mix_exact_requests_get_the_output_of_a_fresh_evaluation(
    seed: int, tmp_path: Path
) -> None:
    """Spliced and exact requests of the same prompts, in all lanes; and everything interrupts."""
    rng = random.Random(seed)
    moved = 0
    for _ in range(rng.choice([1, 1, 2])):
        bench = EngineLoop(
            n_ctx=rng.choice([220, 300, 600]),
            n_seq=rng.choice([1, 2, 4, 8]),
            memory_tier_bytes=rng.choice([0, 300, 2000]),
            resident_cells=rng.choice([0, 50, 300]),
            disk=disk_tier_in(tmp_path, budget=rng.choice([0, 400, 10_000]) * CELL_BYTES),
        )
        wanted: dict[int, tuple[list[int], int, bool]] = {}

        def sometimes_interrupt(entries: Sequence[BatchEntry], bench: EngineLoop = bench) -> None:
            bench.model.can_insert = rng.random() < 0.9
            if rng.random() < 0.2:
                bench.interrupt.flag[0] = b"\1"

        bench.model.before_decode = sometimes_interrupt
        for id in range(30):
            at = rng.randrange(0, 60, 6)
            prompt, where = repositionable(TEXT[:at], TEXT[at : at + rng.randrange(40, 120)])
            n, loose = rng.randrange(1, 20), rng.random() < 0.6
            tail = "x" * rng.randrange(3)
            more: dict[str, Any] = {"repositionable": where, "tail": tail} if loose else {}
            bench.add(id, prompt, n, rng.choice(list(Lane)), **more)
            wanted[id] = ([*prompt, *tail.encode()] if loose else prompt, n, loose)
            bench.run(max_steps=rng.randrange(12))
            if rng.random() < 0.15:
                victim = rng.randrange(id + 1)
                bench.generation.cancel(victim)
                if victim not in bench.last_events:
                    wanted.pop(victim, None)
            if rng.random() < 0.2:
                bench.pool.persist(lambda: rng.random() < 0.9)
        bench.run()
        bench.pool.persist_latest(lambda: True)
        moved += bench.model.n_repositioned
        for id, (prompt, n, loose) in wanted.items():
            text = bench.texts[id].lower() if loose else bench.texts[id]
            assert text == expected_output(prompt, n), (id, loose)
        assert not any(isinstance(event, Failed) for event in bench.last_events.values())
    assert moved
