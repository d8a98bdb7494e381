"""The commands with the real model, as a new user types them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from copilotd import lifecycle
from copilotd.cli.options import parse_arguments
from tests.daemon.conftest import home
from tests.daemon.temp_user import ENDS_WITHIN_S, Home, eventually, is_alive
from tests.real.conftest import ANSWERED_AT_LENGTH

__all__ = ["home"]

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

NEXT = """
What next:
  open your editor          its language server is: copilotd lsp
  see ghost text here       copilotd complete FILE:LINE:COL
  ask something             copilotd chat
  look at the API           {url}/docs
  check this installation   copilotd doctor
"""


@pytest.fixture
def running_home(home: Home, model_path: Path) -> Iterator[Home]:
    done = home.run("start", "--model", str(model_path), "--n-ctx", "2048", "--port", "0")
    assert done.returncode == 0, done.stderr
    yield home


def list_processes(home: Home) -> list[psutil.Process]:
    """List the process of the daemon and that of its worker."""
    running = lifecycle.find_running(home.paths)
    assert running is not None
    daemon = psutil.Process(running.pid)
    return [daemon, *daemon.children(recursive=True)]


def test_start_prints_its_progress_the_model_and_the_next_steps(
    home: Home, model_path: Path
) -> None:
    done = home.run("start", "--model", str(model_path), "--model_alias", "mine", "--port", "0")

    running = lifecycle.find_running(home.paths)
    assert running is not None
    assert done.returncode == 0
    assert done.stdout == f"copilotd runs with mine on {running.url}\n" + NEXT.format(
        url=running.url
    )
    # Whether the output shows the moment before the load depends on the machine.
    assert done.stderr.replace("starting\n", "") == (
        f"Model: {model_path}\n  It was chosen by the command line.\nloading {model_path.stem}\n"
    )


def test_the_first_completion_and_the_first_chat_are_answered(running_home: Home) -> None:
    file = running_home.folder / "app.py"
    file.write_text("def add(a, b):\n    return \n\n\nprint(add(1, 2))\n")

    completed = running_home.run("complete", "app.py:2")
    answered = running_home.run("chat", "What is the capital of France? Answer with one word.")
    status = running_home.run("status")

    assert "2 │     return a + b\n" in completed.stdout
    assert "paris" in answered.stdout.lower()
    assert re.search(r"^speed +prompt \d+ tokens/s, answer \d+ tokens/s", status.stdout, re.M)


def test_stop_ends_the_daemon_and_its_worker(running_home: Home) -> None:
    processes = list_processes(running_home)
    assert len(processes) == 2

    assert running_home.run("stop").returncode == 0

    assert not any(is_alive(process.pid) for process in processes)
    assert running_home.list_runtime_files() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_daemon_and_worker_during_an_answer(
    running_home: Home, number: signal.Signals
) -> None:
    processes = list_processes(running_home)
    command = [sys.executable, "-m", "copilotd", "chat", ANSWERED_AT_LENGTH]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None and asking.stdout.read(1)

        os.kill(processes[0].pid, number)

        assert eventually(
            lambda: not any(is_alive(p.pid) for p in processes), within_s=ENDS_WITHIN_S
        )
        asking.kill()
    assert running_home.list_runtime_files() == []


def test_the_worker_of_a_killed_daemon_ends_too(running_home: Home) -> None:
    processes = list_processes(running_home)

    os.kill(processes[0].pid, signal.SIGKILL)

    assert eventually(lambda: not any(is_alive(process.pid) for process in processes))


def test_restart_keeps_the_options_and_adds_new_ones(running_home: Home, model_path: Path) -> None:
    before = lifecycle.find_running(running_home.paths)

    done = running_home.run("restart", "--model-alias", "renamed")

    after = lifecycle.find_running(running_home.paths)
    assert done.returncode == 0
    assert before is not None and after is not None and before.pid != after.pid
    assert parse_arguments(after.arguments) == parse_arguments(before.arguments) | {
        "--model-alias": "renamed"
    }
    assert "copilotd runs with renamed on" in done.stdout


def test_ctrl_c_ends_a_daemon_in_the_foreground(home: Home, model_path: Path) -> None:
    options = ("--model", str(model_path), "--n-ctx", "2048", "--port", "0", "--foreground")
    with subprocess.Popen(
        [sys.executable, "-m", "copilotd", "start", *options], stderr=subprocess.PIPE, text=True
    ) as foreground:
        assert foreground.stderr is not None
        output_lines = []
        for line in foreground.stderr:
            output_lines.append(line)
            if "engine ready" in line:
                break
        processes = list_processes(home)
        for process in processes:
            # A terminal sends Ctrl-C to all of them.
            process.send_signal(signal.SIGINT)

        assert eventually(
            lambda: not any(is_alive(p.pid) for p in processes), within_s=ENDS_WITHIN_S
        )
        assert foreground.wait() == 0
    assert "listens on http://127.0.0.1:" in "".join(output_lines)
    assert home.list_runtime_files() == []


def test_the_doctor_passes_a_good_model(home: Home, model_path: Path) -> None:
    done = home.run("doctor", COPILOTD_MODEL__NAME=str(model_path), COPILOTD_SERVER__PORT="0")

    assert done.returncode == 0, done.stdout
    assert "BROKEN" not in done.stdout
    assert len(re.findall(r"^ok +self-test", done.stdout, re.M)) == 4
