"""Which files of a folder its programmers work on."""

import subprocess
from pathlib import Path

import pytest

from copilotd.index.walk import list_folder, walk_files


def made(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def found(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in walk_files(root)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made(
        tmp_path,
        "b.py",
        "a.log",
        "keep.log",
        "src/c.py",
        "src/made/d.py",
        "src/deep/e.tmp",
        "build/f.py",
        "node_modules/g.js",
        ".git/config",
    )
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/build/\n")
    (tmp_path / "src/.gitignore").write_text("made\n!deep/e.tmp\n")
    return tmp_path


def test_what_git_ignores_is_left_out_folder_by_folder(root: Path) -> None:
    assert found(root) == [
        ".gitignore",
        "b.py",
        "keep.log",
        "src/.gitignore",
        "src/c.py",
        "src/deep/e.tmp",
    ]


def test_it_is_what_git_itself_lists(root: Path) -> None:
    (root / ".git/config").unlink()
    (root / ".git").rmdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".git/info/exclude").write_text("*.tmp\n")
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    # Nobody has listed node_modules here, and still nobody works on it.
    wanted = [name for name in listed.stdout.split() if not name.startswith("node_modules")]
    assert sorted(found(root)) == sorted(wanted)


def test_links_to_folders_are_not_followed(root: Path) -> None:
    (root / "src/up").symlink_to(root)
    assert len(found(root)) == 6


def test_a_folder_that_cannot_be_read_is_empty(root: Path) -> None:
    assert list(walk_files(root / "no")) == []


def test_of_one_folder_folders_come_first(root: Path) -> None:
    assert [path.name for path in list_folder(root, root)] == [
        "src",
        ".gitignore",
        "b.py",
        "keep.log",
    ]
    assert [path.name for path in list_folder(root / "src", root)] == ["deep", ".gitignore", "c.py"]
