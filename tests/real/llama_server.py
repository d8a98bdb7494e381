"""llama.cpp's own tests of its server, run against `copilotd compat llama-server`.

    python -m tests.real.llama_server FOLDER OUTCOMES [pytest's arguments]

FOLDER is tools/server/tests of llama.cpp; llama-cpp-python's source distribution has it under
vendor/llama.cpp. The tests run in a copy, with the model of COPILOTD_TEST_MODEL in place of every
model. The outcome of each test is written to OUTCOMES as JSON. `llama_server_tests.toml` replaces
the values that are right only for the tiny model that the tests are written for.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXPECTATIONS = HERE / "llama_server_tests.toml"
PLUGIN = HERE / "llama_server_plugin.py"


def read_expectations() -> dict[str, Any]:
    """Read the expectations for llama.cpp's tests from llama_server_tests.toml."""
    return tomllib.loads(EXPECTATIONS.read_text(encoding="utf-8"))


def run(folder: Path, model: Path, arguments: Sequence[str] = (), timeout_s: int = 300) -> Any:
    """Run the tests in a copy of `folder`; return the outcome of each test id and its reason."""
    with tempfile.TemporaryDirectory(prefix="llama-server-tests-") as place:
        copy = _copy_tests(folder, Path(place))
        outcomes = copy / "outcomes.json"
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-m", "not slow"),
            *("-p", PLUGIN.stem, "-p", "no:cacheprovider", "-p", "no:asyncio"),
            *("--timeout", str(timeout_s), "-o", "addopts=", *arguments),
        ]
        subprocess.run(
            command, cwd=copy, env=_build_environment(copy, model, outcomes), check=False
        )
        return json.loads(outcomes.read_text(encoding="utf-8"))


def _copy_tests(folder: Path, place: Path) -> Path:
    """Copy the tests to the depth where they look for llama.cpp's other folders."""
    copy = place / "tools" / "server" / "tests"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("tmp", "__pycache__"))
    models = folder.resolve().parents[2] / "models"
    if models.is_dir():
        (place / "models").symlink_to(models)
    shutil.copy(PLUGIN, copy)
    shutil.copy(EXPECTATIONS, copy)
    # The tests import wget to download models. Here they download none.
    (copy / "wget.py").write_text("", encoding="utf-8")
    server = copy / "llama-server"
    server.write_text(f'#!/bin/sh\nexec {sys.executable} -m copilotd compat llama-server "$@"\n')
    server.chmod(0o755)
    return copy


def _build_environment(copy: Path, model: Path, outcomes: Path) -> dict[str, str]:
    return os.environ | {
        "LLAMA_SERVER_BIN_PATH": str(copy / "llama-server"),
        "LLAMA_SERVER_MODEL": str(model),
        "LLAMA_SERVER_OUTCOMES": str(outcomes),
        "PORT": str(find_free_port()),
    }


def find_free_port() -> int:
    """Find a free TCP port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    found = run(Path(sys.argv[1]), Path(os.environ["COPILOTD_TEST_MODEL"]), sys.argv[3:])
    Path(sys.argv[2]).write_text(json.dumps(found, indent=1), encoding="utf-8")
