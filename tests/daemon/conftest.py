import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.home import Home


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Short paths, since that of a unix socket may have about a hundred characters."""
    for name in [name for name in os.environ if name.startswith("COPILOTD_")]:
        monkeypatch.delenv(name)
    with tempfile.TemporaryDirectory(prefix="cd") as folder:
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
            part = Path(folder, name[:2].lower())
            part.mkdir(mode=0o700)  # XDG wants the runtime folder private.
            monkeypatch.setenv(f"XDG_{name}", str(part))
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "100")
        own = Home(Path(folder))
        yield own
        own.end()
