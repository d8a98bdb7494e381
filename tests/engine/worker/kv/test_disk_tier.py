"""Sequences on disk are correct, bounded and private; damaged ones are not used."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from copilotd.engine.worker.kv.disk_tier import DiskTier
from copilotd.engine.worker.kv.state_file import SequenceState
from tests.engine.worker.kv.fake_disk_tier import KEY, disk_tier_in

TOKENS = list(range(100))


def state(byte: int = 7, size: int = 1000) -> SequenceState:
    return np.full(size, byte, np.uint8)


def always() -> bool:
    return True


def write(disk: DiskTier, tokens: list[int], byte: int = 7) -> None:
    assert disk.write(tokens, state(byte), always)


def list_contents(disk: DiskTier) -> list[tuple[list[int], list[int]]]:
    """List the tokens and the distinct state bytes of each file."""
    listed = []
    for file in list(disk.entries):
        read = file.read_state()
        assert read is not None
        listed.append((file.tokens, np.unique(read).tolist()))
    return listed


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_worker_reads_what_an_earlier_one_wrote(tmp_path: Path) -> None:
    write(disk_tier_in(tmp_path), TOKENS)
    assert list_contents(disk_tier_in(tmp_path)) == [(TOKENS, [7])]


def test_the_tokens_of_a_sequence_that_are_not_on_disk_are_counted(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    write(disk, TOKENS)
    counts = [disk.count_missing(tokens) for tokens in (TOKENS[:40], [*TOKENS, 1, 2], [5, 6])]
    assert counts == [0, 2, 2]


def test_without_a_budget_nothing_is_written_and_no_folder_is_made(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path / "states", budget=0)
    write(disk, TOKENS)
    assert (disk.count_missing(TOKENS), disk.entries) == (0, [])
    assert not (tmp_path / "states").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_only_the_user_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "states"
    write(disk_tier_in(folder), TOKENS)
    assert (folder.stat().st_mode & 0o777, only_file(folder).stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )


def test_states_of_another_model_are_not_used_and_not_removed(tmp_path: Path) -> None:
    write(disk_tier_in(tmp_path), TOKENS)
    other = disk_tier_in(tmp_path, key=b"o" * 32)
    assert other.entries == []
    write(other, TOKENS, byte=8)
    assert list_contents(disk_tier_in(tmp_path)) == [(TOKENS, [7])]


def test_the_same_tokens_are_written_once(tmp_path: Path) -> None:
    tiers = [disk_tier_in(tmp_path), disk_tier_in(tmp_path)]
    for byte, disk in enumerate([*tiers, tiers[0]], 1):
        write(disk, TOKENS, byte)
    assert [list_contents(disk) for disk in tiers] == [[(TOKENS, [3])]] * 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_longer_sequence_replaces_its_prefix(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    write(disk, TOKENS[:60])
    write(disk, TOKENS)
    assert list_contents(disk) == list_contents(disk_tier_in(tmp_path)) == [(TOKENS, [7])]


def test_the_least_recently_used_file_is_evicted_first(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path, budget=4000)
    sequences = [[number] * 50 for number in range(3)]
    for age, tokens in enumerate(sequences):
        write(disk, tokens)
        os.utime(disk.entries[-1].path, (age + 1, age + 1))
    assert disk.entries[0].read_state() is not None
    write(disk, [3] * 50)
    kept = [[0] * 50, [2] * 50, [3] * 50]
    assert sorted(file.tokens for file in disk.entries) == kept
    assert sorted(file.tokens for file in disk_tier_in(tmp_path, budget=4000).entries) == kept


def test_an_older_state_of_a_document_is_evicted_before_other_documents(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path, budget=3000)
    other, old, new = [9] * 50, [*[1] * 45, 2], [*[1] * 45, 3]
    for tokens in (other, old, new):
        write(disk, tokens)
    assert [file.tokens for file in disk.entries] == [other, new]


def test_files_of_other_models_count_and_are_evicted_too(tmp_path: Path) -> None:
    write(disk_tier_in(tmp_path, key=b"o" * 32), TOKENS)
    os.utime(only_file(tmp_path), (1, 1))
    write(disk_tier_in(tmp_path, budget=2000), [5] * 50)
    assert disk_tier_in(tmp_path, key=b"o" * 32).entries == []


def test_a_state_beyond_the_budget_is_not_written(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path, budget=1500)
    write(disk, TOKENS)
    assert disk.write([4] * 50, state(size=1501), always)
    assert list_contents(disk) == [(TOKENS, [7])]


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    assert not disk.write(TOKENS, state(), lambda: False)
    assert (list(tmp_path.iterdir()), disk.count_missing(TOKENS)) == ([], 100)


def cut(data: bytes) -> bytes:
    return data[:-1]


def cut_in_the_header(data: bytes) -> bytes:
    return data[:30]


def empty(data: bytes) -> bytes:
    return b""


def another_version(data: bytes) -> bytes:
    return data.replace(b"copilot1", b"copilot2")


def another_token(data: bytes) -> bytes:
    place = data.index(np.array(TOKENS[:4], "<i4").tobytes())
    return data[:place] + b"\1" + data[place + 1 :]


@pytest.mark.parametrize("damage", [cut, cut_in_the_header, empty, another_version, another_token])
def test_a_file_with_a_damaged_header_is_removed_at_start(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    write(disk_tier_in(tmp_path), TOKENS)
    path = only_file(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert disk_tier_in(tmp_path).entries == []
    assert list(tmp_path.iterdir()) == []


def another_state(data: bytes) -> bytes:
    return data[:-1] + b"\0"


@pytest.mark.parametrize("damage", [another_state, cut, another_token])
def test_a_file_that_is_damaged_later_is_not_read_and_removed(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    disk = disk_tier_in(tmp_path)
    write(disk, TOKENS)
    path = only_file(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert disk.entries[0].read_state() is None
    assert (disk.entries, list(tmp_path.iterdir())) == ([], [])


def test_a_file_that_was_deleted_is_dropped(tmp_path: Path) -> None:
    disk = disk_tier_in(tmp_path)
    write(disk, TOKENS)
    only_file(tmp_path).unlink()
    assert disk.entries[0].read_state() is None
    assert disk.entries == []


def test_a_temporary_file_is_removed_when_nobody_can_be_writing_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old.tmp", tmp_path / "new.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (1, 1))
    disk_tier_in(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_an_unusable_folder_causes_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    warnings: list[str] = []
    disk = DiskTier(tmp_path / "file", 10_000, KEY, warnings.append)
    write(disk, TOKENS)
    assert len(warnings) == 1 and str(tmp_path / "file") in warnings[0]


def test_a_full_disk_causes_one_warning_and_old_files_are_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    disk = DiskTier(tmp_path, 10_000, KEY, warnings.append)
    write(disk, TOKENS)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("copilotd.engine.worker.kv.disk_tier.write_state", full)
    for number in (1, 2):
        write(disk, [number] * 50)
    assert warnings == [
        f"the KV cache is not saved in {tmp_path}: [Errno 28] No space left on device"
    ]
    assert list_contents(disk) == [(TOKENS, [7])]
