"""The files of a folder that its programmers work on: what git ignores is left out.

Rules as gitignore(5): one file of patterns in any folder, the deeper before the outer, and the
repository's own in .git/info/exclude.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

_NEVER = {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache"}
"""Folders left out although nobody may have listed them."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one folder."""

    folder: Path
    spec: GitIgnoreSpec


def walk(root: Path) -> Iterator[Path]:
    """Files below `root`, folder by folder, sorted; links to folders are not followed."""
    yield from _below(root, _outer(root))


def entries(folder: Path, root: Path) -> list[Path]:
    """What is directly in `folder`, which is `root` or below it; folders first, each sorted."""
    rules = _outer(root)
    # The folder itself was asked for; only what is in it is judged.
    for step in [*reversed(folder.relative_to(root).parents), folder.relative_to(root)]:
        rules = (*rules, *_own(root / step))
    return [*_kept(folder, rules, folders=True), *_kept(folder, rules, folders=False)]


def _below(folder: Path, outer: Sequence[_Rules]) -> Iterator[Path]:
    rules = (*outer, *_own(folder))
    yield from _kept(folder, rules, folders=False)
    for inner in _kept(folder, rules, folders=True):
        if not inner.is_symlink():
            yield from _below(inner, rules)


def _kept(folder: Path, rules: Sequence[_Rules], folders: bool) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            names = sorted(e.name for e in found if _is_folder(e) is folders)
    except OSError:
        return []
    paths = (folder / name for name in names if not (folders and name in _NEVER))
    return [path for path in paths if not _is_ignored(path, rules, folders)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_ignored(path: Path, rules: Sequence[_Rules], is_folder: bool) -> bool:
    """By the deepest rule that says anything."""
    for rule in reversed(rules):
        name = path.relative_to(rule.folder).as_posix() + ("/" if is_folder else "")
        verdict = rule.spec.check_file(name).include
        if verdict is not None:
            return verdict
    return False


def _own(folder: Path) -> tuple[_Rules, ...]:
    return _read(folder, folder / ".gitignore")


def _outer(root: Path) -> tuple[_Rules, ...]:
    return _read(root, root / ".git/info/exclude")


def _read(folder: Path, file: Path) -> tuple[_Rules, ...]:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    return (_Rules(folder, GitIgnoreSpec.from_lines(lines)),)
