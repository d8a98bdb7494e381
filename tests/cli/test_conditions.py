"""What goes wrong around a command is one sentence with the next step, never a traceback."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMANDS = [
    "config set server.port 8001",
    "config show",
    "copilot enable --yes --settings settings.json",
    "lsp",
    "logs",
    "mcp",
    "models default x",
    "models list",
    "start --model nope",
    "status",
    "stop",
    "token",
]


def run(
    command: str, folder: Path, prepare: Callable[[], None] | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    home = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    home |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")}
    return subprocess.run(
        [sys.executable, "-m", "copilotd", *command.split()],
        cwd=folder if folder.is_dir() else "/",
        env=os.environ | home | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        preexec_fn=prepare,
    )


def check(done: "subprocess.CompletedProcess[str]") -> None:
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 3), done.stderr
    if done.returncode:
        assert done.stderr.startswith(("error: ", "copilotd lsp: ", "Model: ")), done.stderr
        assert "Errno" not in done.stderr, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_home_that_is_a_file_is_explained(command: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    check(run(command, file / "home"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_explained(command: str, tmp_path: Path) -> None:
    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    check(run(command, tmp_path, fill_the_disk))


@pytest.mark.parametrize("command", ["models list", "config show", "--help", "status"])
def test_a_terminal_without_unicode_gets_question_marks(command: str, tmp_path: Path) -> None:
    check(run(command, tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C"))


def test_a_reader_that_closes_the_pipe_ends_the_command_quietly(tmp_path: Path) -> None:
    command = f"{sys.executable} -m copilotd config sample | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=240, cwd=tmp_path
    )
    assert done.stderr == ""
