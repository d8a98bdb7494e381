"""The commands with the real model, as a new user would type them."""

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
def started(home: Home, model_path: Path) -> Iterator[Home]:
    done = home.run("start", "--model", str(model_path), "--n-ctx", "2048", "--port", "0")
    assert done.returncode == 0, done.stderr
    yield home


def family(home: Home) -> list[psutil.Process]:
    """The daemon and its worker."""
    running = lifecycle.find_running(home.paths)
    assert running is not None
    daemon = psutil.Process(running.pid)
    return [daemon, *daemon.children(recursive=True)]


def test_start_says_what_it_serves_what_it_does_and_what_to_do_next(
    home: Home, model_path: Path
) -> None:
    done = home.run("start", "--model", str(model_path), "--model_alias", "mine", "--port", "0")

    running = lifecycle.find_running(home.paths)
    assert running is not None
    assert done.returncode == 0
    assert done.stdout == f"copilotd runs with mine on {running.url}\n" + NEXT.format(
        url=running.url
    )
    # Whether one sees the moment before the load depends on the machine.
    assert done.stderr.replace("starting\n", "") == (
        f"Model: {model_path}\n  It was asked for by the command line.\nloading {model_path.stem}\n"
    )


def test_a_first_completion_and_a_first_answer(started: Home) -> None:
    file = started.folder / "app.py"
    file.write_text("def add(a, b):\n    return \n\n\nprint(add(1, 2))\n")

    completed = started.run("complete", "app.py:2")
    answered = started.run("chat", "What is the capital of France? Answer with one word.")
    status = started.run("status")

    assert "2 │     return a + b\n" in completed.stdout
    assert "paris" in answered.stdout.lower()
    assert re.search(r"^speed +prompt \d+ tokens/s, answer \d+ tokens/s", status.stdout, re.M)


def test_stop_ends_the_daemon_and_its_worker(started: Home) -> None:
    processes = family(started)
    assert len(processes) == 2

    assert started.run("stop").returncode == 0

    assert not any(is_alive(process.pid) for process in processes)
    assert started.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_both_in_the_middle_of_an_answer(
    started: Home, number: signal.Signals
) -> None:
    processes = family(started)
    command = [sys.executable, "-m", "copilotd", "chat", ANSWERED_AT_LENGTH]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None and asking.stdout.read(1)

        os.kill(processes[0].pid, number)

        assert eventually(
            lambda: not any(is_alive(p.pid) for p in processes), within_s=ENDS_WITHIN_S
        )
        asking.kill()
    assert started.left_behind() == []


def test_a_worker_of_a_daemon_killed_hard_does_not_outlive_it(started: Home) -> None:
    processes = family(started)

    os.kill(processes[0].pid, signal.SIGKILL)

    assert eventually(lambda: not any(is_alive(process.pid) for process in processes))


def test_restart_keeps_the_options_and_takes_new_ones(started: Home, model_path: Path) -> None:
    before = lifecycle.find_running(started.paths)

    done = started.run("restart", "--model-alias", "renamed")

    after = lifecycle.find_running(started.paths)
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
        shown = []
        for line in foreground.stderr:
            shown.append(line)
            if "engine ready" in line:
                break
        processes = family(home)
        for process in processes:
            # A terminal sends Ctrl-C to all of them.
            process.send_signal(signal.SIGINT)

        assert eventually(
            lambda: not any(is_alive(p.pid) for p in processes), within_s=ENDS_WITHIN_S
        )
        assert foreground.wait() == 0
    assert "listens on http://127.0.0.1:" in "".join(shown)
    assert home.left_behind() == []


def test_the_doctor_finds_a_good_model_well(home: Home, model_path: Path) -> None:
    done = home.run("doctor", COPILOTD_MODEL__NAME=str(model_path), COPILOTD_SERVER__PORT="0")

    assert done.returncode == 0, done.stdout
    assert "BROKEN" not in done.stdout
    assert len(re.findall(r"^ok +self-test", done.stdout, re.M)) == 4
