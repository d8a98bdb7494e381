"""The server ends while the user works."""

import json
import sys
from pathlib import Path

from tests.editors.conftest import Start
from tests.editors.fake_language_server import FakeServer

_BRIDGE = """
import os, sys
from copilotd.lifecycle import RunningDaemon
from copilotd.lsp.bridge import bridge
sys.exit(bridge(lambda: RunningDaemon(os.getpid(), "", sys.argv[1], "", 0.0), 0, 1))
"""


def test_a_lost_server_is_connected_again(start: Start, server: FakeServer, tmp_path: Path) -> None:
    server.offer("def add(a, b):")
    command = json.dumps([sys.executable, "-c", _BRIDGE, str(server.path)])
    editor = start(f"vim.json.decode({command!r})")
    editor.edit(tmp_path / "a.py")
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):")
    server.disconnect()
    editor.wait_for_ghost_text("")
    server.wait_for("initialize", 2)
    editor.wait_for_ghost_text(" add(a, b):")
