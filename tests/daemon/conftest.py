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
    with create_home() as home:
        yield home


@pytest.fixture(scope="module")
def home_with_daemon() -> Iterator[Home]:
    """A user with a running daemon, shared by the tests of a module that do not change it."""
    with create_home() as home:
        home.launch()
        yield home


@contextmanager
def create_home() -> Iterator[Home]:
    """Create a home with a short path: that of a unix socket has at most about 100 characters."""
    with (
        tempfile.TemporaryDirectory(prefix="cd") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith("COPILOTD_")]:
            patch.delenv(name)
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
            part = Path(folder, name[:2].lower())
            part.mkdir(mode=0o700)  # XDG requires a private runtime folder.
            patch.setenv(f"XDG_{name}", str(part))
        patch.setenv("HOME", folder)
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "100")
        home = Home(Path(folder))
        try:
            yield home
        finally:
            home.stop_daemon()
