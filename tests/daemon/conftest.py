import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.temp_user import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """A user with folders of their own."""
    with new_home() as home:
        yield home


@pytest.fixture(scope="module")
def launched() -> Iterator[Home]:
    """A user whose daemon runs, for all tests of a module that leave it as it is."""
    with new_home() as home:
        home.launch()
        yield home


@contextmanager
def new_home() -> Iterator[Home]:
    """Short paths, since that of a unix socket may have about a hundred characters."""
    with (
        tempfile.TemporaryDirectory(prefix="cd") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith("COPILOTD_")]:
            patch.delenv(name)
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
            part = Path(folder, name[:2].lower())
            part.mkdir(mode=0o700)  # XDG wants the runtime folder private.
            patch.setenv(f"XDG_{name}", str(part))
        patch.setenv("HOME", folder)
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "100")
        home = Home(Path(folder))
        try:
            yield home
        finally:
            home.end()
