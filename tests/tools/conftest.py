from pathlib import Path

import pytest

from tests.tools.fake_editor import FakeEditor

SUMS = """\
def add(a, b):
    return a + b


class Sum:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a program in it, and a secret beside it."""
    (tmp_path / "secret.txt").write_text("the secret\n")
    folder = tmp_path / "work"
    (folder / "app").mkdir(parents=True)
    (folder / "app/sums.py").write_text(SUMS)
    (folder / "README.md").write_text("# Sums\n\nIt adds.\n")
    (folder / ".gitignore").write_text("out/\n*.log\n!keep.log\n")
    (folder / "out").mkdir()
    (folder / "out/made.py").write_text("def add(): made\n")
    (folder / "run.log").write_text("add add\n")
    (folder / "keep.log").write_text("added\n")
    (folder / ".env").write_text("KEY=the secret\n")
    return folder


@pytest.fixture
def editor(folder: Path) -> FakeEditor:
    return FakeEditor(folder)
