"""The KV cache outlives its worker: on the simulated model, with real files."""

from pathlib import Path

from tests.engine.worker.engine_loop import EngineLoop, predict_continuation
from tests.engine.worker.kv.fake_disk_tier import disk_tier_in

FILE = "f" * 200


def start_worker(folder: Path, memory_tier_cells: int = 500) -> EngineLoop:
    return EngineLoop(memory_tier_cells=memory_tier_cells, disk=disk_tier_in(folder))


def end_worker(loop: EngineLoop) -> None:
    """Save the KV cache, as the worker does when the daemon stops it."""
    assert loop.pool.persist_latest(lambda: True) and loop.pool.persist(lambda: True)


def test_after_a_restart_a_known_file_is_not_evaluated_again(tmp_path: Path) -> None:
    first = start_worker(tmp_path)
    first.add(1, FILE, max_tokens=5)
    first.run()
    end_worker(first)
    second = start_worker(tmp_path)
    second.add(1, FILE + "x", max_tokens=5)
    second.run()
    assert second.usage(1).cached_tokens == len(FILE)
    assert second.texts[1] == predict_continuation(FILE + "x", 5)


def test_sequences_in_memory_outlive_the_worker_too(tmp_path: Path) -> None:
    first = start_worker(tmp_path)
    for id, letter in enumerate("abc"):
        first.add(id, letter * 150, max_tokens=5)
        first.run()
    end_worker(first)
    second = start_worker(tmp_path)
    for id, letter in enumerate("abc"):
        second.add(id, letter * 150, max_tokens=5)
        second.run()
    assert [second.usage(id).cached_tokens for id in range(3)] == [149] * 3
    assert [second.texts[id] for id in range(3)] == [
        predict_continuation(c * 150, 5) for c in "abc"
    ]


def test_the_evaluated_part_of_a_prompt_is_saved(tmp_path: Path) -> None:
    first = EngineLoop(n_ctx=2000, disk=disk_tier_in(tmp_path))
    first.add(1, "p" * 1000)
    first.run(max_steps=1)
    end_worker(first)
    second = EngineLoop(n_ctx=2000, disk=disk_tier_in(tmp_path))
    second.add(1, "p" * 1000)
    second.run()
    assert second.usage(1).cached_tokens == 512
    assert second.texts[1] == predict_continuation("p" * 1000)


def test_while_the_worker_runs_a_sequence_is_written_only_with_enough_new_tokens(
    tmp_path: Path,
) -> None:
    loop = start_worker(tmp_path)
    written = []
    for id, typed in enumerate(["", "x" * 40, "x" * 100]):
        loop.add(id, FILE + typed, max_tokens=1)
        loop.run()
        assert loop.pool.persist(lambda: True)
        written.append([path.name for path in tmp_path.iterdir()])
    assert written[0] == written[1] != written[2]
    assert len(written[2]) == 1


def test_at_the_end_the_last_sequence_is_written_completely(tmp_path: Path) -> None:
    loop = start_worker(tmp_path)
    for id, typed in enumerate(["", "x" * 40]):
        loop.add(id, FILE + typed, max_tokens=1)
        loop.run()
        assert loop.pool.persist(lambda: True)
    end_worker(loop)
    (file,) = disk_tier_in(tmp_path).entries
    assert file.tokens == list((FILE + "x" * 40).encode())


def test_instead_of_a_damaged_file_the_next_best_one_is_used(tmp_path: Path) -> None:
    first = start_worker(tmp_path, memory_tier_cells=0)
    prompts = [FILE[:150] + "a" * 100, FILE[:150] + "b" * 100]
    for id, prompt in enumerate(prompts):
        first.add(id, prompt, max_tokens=1)
        first.run()
        end_worker(first)
    best = disk_tier_in(tmp_path).entries[0]
    assert best.tokens == list(prompts[0].encode())
    best.path.write_bytes(best.path.read_bytes()[:-1] + b"\0")
    second = start_worker(tmp_path)
    second.add(1, prompts[0] + "x")
    second.run()
    assert second.usage(1).cached_tokens == 150
    assert second.texts[1] == predict_continuation(prompts[0] + "x")
