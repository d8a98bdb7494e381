"""Sequences that outlive the worker: what is on disk is right, bounded, private, or not used."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from copilotd.engine.worker.kv.disk_tier import Archive
from copilotd.engine.worker.kv.state_file import State
from tests.engine.worker.kv.fake_archive import KEY, archive_in

TOKENS = list(range(100))


def state(byte: int = 7, size: int = 1000) -> State:
    return np.full(size, byte, np.uint8)


def always() -> bool:
    return True


def write(archive: Archive, tokens: list[int], byte: int = 7) -> None:
    assert archive.write(tokens, state(byte), always)


def contents(archive: Archive) -> list[tuple[list[int], list[int]]]:
    """Tokens and state of each file, a state by its bytes that differ."""
    found = []
    for file in list(archive.files):
        read = file.read()
        assert read is not None
        found.append((file.tokens, np.unique(read).tolist()))
    return found


def the_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_one_worker_wrote_the_next_one_reads(tmp_path: Path) -> None:
    write(archive_in(tmp_path), TOKENS)
    assert contents(archive_in(tmp_path)) == [(TOKENS, [7])]


def test_it_is_known_how_much_of_a_sequence_is_not_on_disk(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    write(archive, TOKENS)
    found = [archive.lacks(tokens) for tokens in (TOKENS[:40], [*TOKENS, 1, 2], [5, 6])]
    assert found == [0, 2, 2]


def test_without_a_budget_nothing_is_written_and_no_folder_made(tmp_path: Path) -> None:
    archive = archive_in(tmp_path / "states", budget=0)
    write(archive, TOKENS)
    assert (archive.lacks(TOKENS), archive.files) == (0, [])
    assert not (tmp_path / "states").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "states"
    write(archive_in(folder), TOKENS)
    assert (folder.stat().st_mode & 0o777, the_file(folder).stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )


def test_states_of_another_model_are_not_used_and_stay(tmp_path: Path) -> None:
    write(archive_in(tmp_path), TOKENS)
    other = archive_in(tmp_path, key=b"o" * 32)
    assert other.files == []
    write(other, TOKENS, byte=8)
    assert contents(archive_in(tmp_path)) == [(TOKENS, [7])]


def test_the_same_tokens_are_written_once(tmp_path: Path) -> None:
    archives = [archive_in(tmp_path), archive_in(tmp_path)]
    for byte, archive in enumerate([*archives, archives[0]], 1):
        write(archive, TOKENS, byte)
    assert [contents(archive) for archive in archives] == [[(TOKENS, [3])]] * 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_longer_sequence_takes_the_place_of_its_beginning(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    write(archive, TOKENS[:60])
    write(archive, TOKENS)
    assert contents(archive) == contents(archive_in(tmp_path)) == [(TOKENS, [7])]


def test_the_least_recently_used_file_goes_first(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, budget=4000)
    sequences = [[number] * 50 for number in range(3)]
    for age, tokens in enumerate(sequences):
        write(archive, tokens)
        os.utime(archive.files[-1].path, (age + 1, age + 1))
    assert archive.files[0].read() is not None
    write(archive, [3] * 50)
    kept = [[0] * 50, [2] * 50, [3] * 50]
    assert sorted(file.tokens for file in archive.files) == kept
    assert sorted(file.tokens for file in archive_in(tmp_path, budget=4000).files) == kept


def test_a_document_that_moved_on_gives_way_to_others(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, budget=3000)
    other, old, new = [9] * 50, [*[1] * 45, 2], [*[1] * 45, 3]
    for tokens in (other, old, new):
        write(archive, tokens)
    assert [file.tokens for file in archive.files] == [other, new]


def test_files_of_other_models_count_and_give_way_too(tmp_path: Path) -> None:
    write(archive_in(tmp_path, key=b"o" * 32), TOKENS)
    os.utime(the_file(tmp_path), (1, 1))
    write(archive_in(tmp_path, budget=2000), [5] * 50)
    assert archive_in(tmp_path, key=b"o" * 32).files == []


def test_a_state_beyond_the_budget_is_not_written(tmp_path: Path) -> None:
    archive = archive_in(tmp_path, budget=1500)
    write(archive, TOKENS)
    assert archive.write([4] * 50, state(size=1501), always)
    assert contents(archive) == [(TOKENS, [7])]


def test_a_write_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    assert not archive.write(TOKENS, state(), lambda: False)
    assert (list(tmp_path.iterdir()), archive.lacks(TOKENS)) == ([], 100)


def cut(data: bytes) -> bytes:
    return data[:-1]


def cut_in_the_head(data: bytes) -> bytes:
    return data[:30]


def empty(data: bytes) -> bytes:
    return b""


def another_version(data: bytes) -> bytes:
    return data.replace(b"copilot1", b"copilot2")


def another_token(data: bytes) -> bytes:
    place = data.index(np.array(TOKENS[:4], "<i4").tobytes())
    return data[:place] + b"\1" + data[place + 1 :]


@pytest.mark.parametrize("damage", [cut, cut_in_the_head, empty, another_version, another_token])
def test_a_file_with_a_damaged_head_is_removed_at_the_start(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    write(archive_in(tmp_path), TOKENS)
    path = the_file(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert archive_in(tmp_path).files == []
    assert list(tmp_path.iterdir()) == []


def another_state(data: bytes) -> bytes:
    return data[:-1] + b"\0"


@pytest.mark.parametrize("damage", [another_state, cut, another_token])
def test_a_file_that_is_damaged_later_is_not_read_and_removed(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    archive = archive_in(tmp_path)
    write(archive, TOKENS)
    path = the_file(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert archive.files[0].read() is None
    assert (archive.files, list(tmp_path.iterdir())) == ([], [])


def test_a_file_that_vanished_is_forgotten(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    write(archive, TOKENS)
    the_file(tmp_path).unlink()
    assert archive.files[0].read() is None
    assert archive.files == []


def test_a_temporary_file_is_removed_when_nobody_can_be_writing_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old.tmp", tmp_path / "new.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (1, 1))
    archive_in(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_a_folder_that_cannot_be_used_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    archive = Archive(tmp_path / "file", 10_000, KEY, said.append)
    write(archive, TOKENS)
    assert len(said) == 1 and str(tmp_path / "file") in said[0]


def test_a_full_disk_is_said_once_and_what_is_there_is_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    archive = Archive(tmp_path, 10_000, KEY, said.append)
    write(archive, TOKENS)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("copilotd.engine.worker.kv.disk_tier.write_state", full)
    for number in (1, 2):
        write(archive, [number] * 50)
    assert said == [
        f"what the model has read is not kept in {tmp_path}: [Errno 28] No space left on device"
    ]
    assert contents(archive) == [(TOKENS, [7])]
