import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from copilotd.text_files import TextFile

MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\nb\n", b"new\na\nb\n"),
        (b"a\r\nb\r\n", b"new\r\na\r\nb\r\n"),
        (b"a\r\nb\nc", b"new\na\r\nb\nc"),
        (MARK + b"a\r\n", MARK + b"new\r\na\r\n"),
        (b"a", b"new" + os.linesep.encode() + b"a"),
        (b"", b"new" + os.linesep.encode()),
    ],
)
def test_a_new_line_gets_the_line_end_of_the_file(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    path = tmp_path / "settings"
    path.write_bytes(before)
    file = TextFile.read(path)
    file.write(f"new\n{file.text}")
    assert path.read_bytes() == after


def test_the_mode_of_a_file_and_a_link_to_it_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "real" / "settings", tmp_path / "link"
    path.parent.mkdir()
    path.write_bytes(b"a\n")
    path.chmod(0o640)
    link.symlink_to(path)
    TextFile.read(link).write("b\n")
    assert (link.is_symlink(), path.read_bytes()) == (True, b"b\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_missing_file_is_empty_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "settings"
    file = TextFile.read(path)
    assert file.text == ""
    file.write("x", mode=0o600)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("x", 0o600)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"a\n" * 1000)
    program = (
        "import sys; from pathlib import Path; from copilotd.text_files import TextFile\n"
        "file = TextFile.read(Path(sys.argv[1]))\n"
        "try: file.write(file.text + 'b')\n"
        "except OSError: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        # Stands for a full disk: a write that makes a file longer than this fails.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
        check=True,
    )
    assert (done.stdout, path.read_bytes()) == ("refused\n", b"a\n" * 1000)
    assert os.listdir(tmp_path) == ["settings"]
