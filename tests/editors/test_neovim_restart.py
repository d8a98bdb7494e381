"""A server that goes away in the middle of the work."""

import json
import sys
from pathlib import Path

from tests.editors.conftest import Start
from tests.editors.fake_language_server import Stub

_BRIDGE = """
import os, sys
from copilotd.lifecycle import RunningDaemon
from copilotd.lsp.bridge import bridge
sys.exit(bridge(lambda: RunningDaemon(os.getpid(), "", sys.argv[1], "", 0.0), 0, 1))
"""


def test_a_server_that_is_lost_comes_back(start: Start, server: Stub, tmp_path: Path) -> None:
    server.offers("def add(a, b):")
    command = json.dumps([sys.executable, "-c", _BRIDGE, str(server.path)])
    editor = start(f"vim.json.decode({command!r})")
    editor.edit(tmp_path / "a.py")
    editor.type("idef")
    editor.shows(" add(a, b):")
    server.hang_up()
    editor.shows("")
    server.wait_for("initialize", 2)
    editor.shows(" add(a, b):")
