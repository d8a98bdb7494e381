from pathlib import Path

import pytest

from tests.daemon.conftest import home
from tests.daemon.temp_user import Home
from tests.tools.conftest import SUMS

__all__ = ["home"]


@pytest.fixture
def folder(home: Home) -> Path:
    """A workspace, and a secret beside it and in it."""
    (home.folder / "secret.txt").write_text("the secret\n")
    folder = home.folder / "work"
    folder.mkdir()
    (folder / "sums.py").write_text(SUMS)
    (folder / "hole.py").write_text("def add(a, b):\n    return \n")
    (folder / ".env").write_text("KEY=the secret\n")
    (folder / "out.txt").symlink_to(home.folder / "secret.txt")
    return folder
