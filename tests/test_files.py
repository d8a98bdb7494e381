import os
import stat
import sys
from pathlib import Path

import pytest

from copilotd.files import open_atomically, write_atomically

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs file modes")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def test_a_write_replaces_the_old_content_and_leaves_no_temporary_file(file: Path) -> None:
    write_atomically(file, b"old")
    write_atomically(file, b"new")

    assert file.read_bytes() == b"new"
    assert list(file.parent.iterdir()) == [file]


def test_readers_see_the_old_content_until_the_write_is_complete(file: Path) -> None:
    file.write_bytes(b"old")

    with open_atomically(file) as writing:
        writing.write(b"new")
        writing.flush()
        seen_meanwhile = file.read_bytes()

    assert (seen_meanwhile, file.read_bytes()) == (b"old", b"new")


def test_an_interrupted_write_leaves_the_old_file_and_no_temporary_file(file: Path) -> None:
    file.write_bytes(b"old")

    with pytest.raises(KeyboardInterrupt), open_atomically(file) as writing:
        writing.write(b"half of the n")
        raise KeyboardInterrupt

    assert file.read_bytes() == b"old"
    assert list(file.parent.iterdir()) == [file]


def test_a_write_that_cannot_replace_the_file_raises_and_leaves_no_temporary_file(
    file: Path,
) -> None:
    file.mkdir()

    with pytest.raises(OSError):
        write_atomically(file, b"new")

    assert list(file.parent.iterdir()) == [file]


def test_two_writers_of_one_file_do_not_disturb_each_other(file: Path) -> None:
    with open_atomically(file) as first, open_atomically(file) as second:
        first.write(b"first")
        second.write(b"second")

    assert file.read_bytes() == b"first"
    assert list(file.parent.iterdir()) == [file]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_has_its_permissions_before_it_has_content_whatever_the_umask(
    file: Path, mode: int
) -> None:
    file.touch(0o644)

    with open_atomically(file, mode) as writing:
        at_first = stat.S_IMODE(os.fstat(writing.fileno()).st_mode)

    assert (at_first, stat.S_IMODE(file.stat().st_mode)) == (mode, mode)


@posix
def test_without_a_mode_the_umask_decides_the_permissions(file: Path) -> None:
    ordinary = file.with_name("ordinary")
    ordinary.touch()

    write_atomically(file, b"")

    assert file.stat().st_mode == ordinary.stat().st_mode
