"""Lists the files in a folder, except files that git ignores.

The rules are those of gitignore(5): a file of patterns in any folder, where the innermost folder
wins, and the repository's own in .git/info/exclude.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

_SKIPPED = {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache"}
"""Folders that are skipped even if no .gitignore lists them."""


@dataclass(frozen=True, slots=True)
class _IgnoreRules:
    """The patterns of one folder."""

    folder: Path
    spec: GitIgnoreSpec


def walk_files(root: Path) -> Iterator[Path]:
    """Files below `root`, folder by folder, each sorted. Links to folders are not followed."""
    yield from _walk_folder(root, _read_exclude_file(root))


def list_folder(folder: Path, root: Path) -> list[Path]:
    """The entries of `folder`, which is `root` or below it: first folders, then files, sorted."""
    rules = _read_exclude_file(root)
    # The caller chose the folder itself, so the rules apply only to its entries.
    for step in [*reversed(folder.relative_to(root).parents), folder.relative_to(root)]:
        rules = (*rules, *_read_gitignore(root / step))
    return [*_list_kept(folder, rules, folders=True), *_list_kept(folder, rules, folders=False)]


def _walk_folder(folder: Path, outer: Sequence[_IgnoreRules]) -> Iterator[Path]:
    rules = (*outer, *_read_gitignore(folder))
    yield from _list_kept(folder, rules, folders=False)
    for inner in _list_kept(folder, rules, folders=True):
        if not inner.is_symlink():
            yield from _walk_folder(inner, rules)


def _list_kept(folder: Path, rules: Sequence[_IgnoreRules], folders: bool) -> list[Path]:
    """The folders, or else the files, in `folder` that the rules do not ignore."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _is_folder(entry) is folders)
    except OSError:
        return []
    paths = (folder / name for name in names if not (folders and name in _SKIPPED))
    return [path for path in paths if not _is_ignored(path, rules, folders)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_ignored(path: Path, rules: Sequence[_IgnoreRules], is_folder: bool) -> bool:
    """Whether the innermost folder with a matching pattern ignores `path`."""
    for rule in reversed(rules):
        name = path.relative_to(rule.folder).as_posix() + ("/" if is_folder else "")
        is_included = rule.spec.check_file(name).include
        if is_included is not None:
            return is_included
    return False


def _read_gitignore(folder: Path) -> tuple[_IgnoreRules, ...]:
    return _read_rules(folder, folder / ".gitignore")


def _read_exclude_file(root: Path) -> tuple[_IgnoreRules, ...]:
    return _read_rules(root, root / ".git/info/exclude")


def _read_rules(folder: Path, file: Path) -> tuple[_IgnoreRules, ...]:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    return (_IgnoreRules(folder, GitIgnoreSpec.from_lines(lines)),)
