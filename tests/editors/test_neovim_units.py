"""The Lua unit tests of the modules that touch no buffer."""

import os
from pathlib import Path

from tests.editors.neovim import PLUGIN, run_lua


def test_the_lua_tests_pass(tmp_path: Path) -> None:
    ran = run_lua(PLUGIN / "tests" / "harness.lua", tmp_path, dict(os.environ))
    assert ran.returncode == 0, ran.stderr
    assert "0 failed" in ran.stdout + ran.stderr
