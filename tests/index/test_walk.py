"""Which files of a folder are listed."""

import subprocess
from pathlib import Path

import pytest

from copilotd.index.walk import list_folder, walk_files


def create_files(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def list_names(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in walk_files(root)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_files(
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


def test_ignored_files_are_left_out_in_every_folder(root: Path) -> None:
    assert list_names(root) == [
        ".gitignore",
        "b.py",
        "keep.log",
        "src/.gitignore",
        "src/c.py",
        "src/deep/e.tmp",
    ]


def test_the_walk_finds_the_same_files_as_git(root: Path) -> None:
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
    # No .gitignore lists node_modules here, and the walk skips it anyway.
    expected = [name for name in listed.stdout.split() if not name.startswith("node_modules")]
    assert sorted(list_names(root)) == sorted(expected)


def test_links_to_folders_are_not_followed(root: Path) -> None:
    (root / "src/up").symlink_to(root)
    assert len(list_names(root)) == 6


def test_an_unreadable_folder_is_empty(root: Path) -> None:
    assert list(walk_files(root / "no")) == []


def test_a_listing_shows_folders_before_files(root: Path) -> None:
    assert [path.name for path in list_folder(root, root)] == [
        "src",
        ".gitignore",
        "b.py",
        "keep.log",
    ]
    assert [path.name for path in list_folder(root / "src", root)] == ["deep", ".gitignore", "c.py"]
