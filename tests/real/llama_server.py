"""llama.cpp's own tests of its server, run against `copilotd compat llama-server`.

    python -m tests.real.llama_server FOLDER OUTCOMES [pytest's arguments]

FOLDER is tools/server/tests of llama.cpp; llama-cpp-python's source distribution has it under
vendor/llama.cpp. A copy of it is run, with the model that COPILOTD_TEST_MODEL names in the place of
every model, and the outcome of each test is written to OUTCOMES as JSON. What they expect of the
tiny model that they are made for is replaced as `llama_server_tests.toml` says.
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
LISTED = HERE / "llama_server_tests.toml"
PLUGIN = HERE / "llama_server_plugin.py"


def listed() -> dict[str, Any]:
    """What the repository says of the tests."""
    return tomllib.loads(LISTED.read_text(encoding="utf-8"))


def run(folder: Path, model: Path, arguments: Sequence[str] = (), timeout_s: int = 300) -> Any:
    """Run the tests in a copy of `folder`; the outcome of each test id, and why it failed."""
    with tempfile.TemporaryDirectory(prefix="llama-server-tests-") as place:
        copy = _copied(folder, Path(place))
        outcomes = copy / "outcomes.json"
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-m", "not slow"),
            *("-p", PLUGIN.stem, "-p", "no:cacheprovider", "-p", "no:asyncio"),
            *("--timeout", str(timeout_s), "-o", "addopts=", *arguments),
        ]
        subprocess.run(command, cwd=copy, env=_environment(copy, model, outcomes), check=False)
        return json.loads(outcomes.read_text(encoding="utf-8"))


def _copied(folder: Path, place: Path) -> Path:
    """The tests at the depth at which they look for llama.cpp's other folders."""
    copy = place / "tools" / "server" / "tests"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("tmp", "__pycache__"))
    models = folder.resolve().parents[2] / "models"
    if models.is_dir():
        (place / "models").symlink_to(models)
    shutil.copy(PLUGIN, copy)
    shutil.copy(LISTED, copy)
    # The tests import it to download models, which they need not do here.
    (copy / "wget.py").write_text("", encoding="utf-8")
    server = copy / "llama-server"
    server.write_text(f'#!/bin/sh\nexec {sys.executable} -m copilotd compat llama-server "$@"\n')
    server.chmod(0o755)
    return copy


def _environment(copy: Path, model: Path, outcomes: Path) -> dict[str, str]:
    return os.environ | {
        "LLAMA_SERVER_BIN_PATH": str(copy / "llama-server"),
        "LLAMA_SERVER_MODEL": str(model),
        "LLAMA_SERVER_OUTCOMES": str(outcomes),
        "PORT": str(free_port()),
    }


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    found = run(Path(sys.argv[1]), Path(os.environ["COPILOTD_TEST_MODEL"]), sys.argv[3:])
    Path(sys.argv[2]).write_text(json.dumps(found, indent=1), encoding="utf-8")
