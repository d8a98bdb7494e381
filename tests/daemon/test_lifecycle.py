import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import psutil
import pytest

from copilotd import __version__, lifecycle
from copilotd.errors import AlreadyRunning, StartFailed
from copilotd.lifecycle import RunningDaemon
from tests.daemon.temp_user import ENDS_WITHIN_S, Home, eventually, is_alive

CYCLES = 10
"""Most leftovers of a start or a stop appear in the first cycle; a race appears only sometimes."""

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_launched_daemon_is_found_and_answers_requests(home: Home) -> None:
    running = home.launch()

    assert lifecycle.find_running(home.paths) == running
    assert (running.version, running.arguments) == (__version__, ("--port", "0"))
    assert httpx2.get(f"{running.url}/health", trust_env=False).status_code == 200


def test_a_second_launch_reports_the_running_daemon(home: Home) -> None:
    running = home.launch()

    with pytest.raises(AlreadyRunning) as caught:
        home.launch()

    assert caught.value.message == f"copilotd already runs on {running.url} (pid {running.pid})"
    assert caught.value.hint == "Run copilotd restart or copilotd stop."


def test_two_launches_at_once_end_with_one_daemon(home: Home) -> None:
    found: list[RunningDaemon] = []
    launches = [threading.Thread(target=lambda: found.append(home.launch())) for _ in range(2)]
    for launch in launches:
        launch.start()
    for launch in launches:
        launch.join(60)

    assert len(found) == 2
    assert found[0] == found[1] == lifecycle.find_running(home.paths)
    assert eventually(lambda: list_child_pids() == [found[0].pid])


def list_child_pids() -> list[int]:
    return [child.pid for child in psutil.Process().children() if is_alive(child.pid)]


def test_the_files_of_a_killed_daemon_do_not_count_as_a_running_one(home: Home) -> None:
    killed = home.launch()
    os.kill(killed.pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(killed.pid))

    assert [file.name for file in home.list_runtime_files()] == [
        "copilotd.lock",
        "daemon.json",
        "lsp.sock",
    ]
    assert lifecycle.find_running(home.paths) is None
    again = home.launch()
    assert again.pid != killed.pid


def test_removing_stale_files_removes_those_of_a_killed_daemon(home: Home) -> None:
    killed = home.launch()
    os.kill(killed.pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(killed.pid))

    lifecycle.remove_stale_files(home.paths)

    assert home.list_runtime_files() == []


def test_removing_stale_files_keeps_those_of_a_running_daemon(home: Home) -> None:
    running = home.launch()

    lifecycle.remove_stale_files(home.paths)

    assert lifecycle.find_running(home.paths) == running


def test_a_pid_that_another_program_has_now_does_not_count_as_a_running_daemon(home: Home) -> None:
    with lifecycle.claim(home.paths):
        lifecycle.announce(home.paths, "http://127.0.0.1:1", "", __version__, ())
        ours = lifecycle.find_running(home.paths)
        assert ours is not None
        state = home.paths.runtime_file.read_text()
        home.paths.runtime_file.write_text(state.replace(str(ours.started), str(ours.started - 60)))

        assert lifecycle.find_running(home.paths) is None


def test_a_runtime_file_without_a_locked_lock_file_does_not_count_as_a_running_daemon(
    home: Home,
) -> None:
    with lifecycle.claim(home.paths):
        lifecycle.announce(home.paths, "http://127.0.0.1:1", "", __version__, ())
        state = home.paths.runtime_file.read_bytes()
    home.paths.runtime_file.write_bytes(state)
    home.paths.lock.touch()

    assert lifecycle.find_running(home.paths) is None


def test_a_runtime_file_that_is_not_json_does_not_count_as_a_running_daemon(home: Home) -> None:
    with lifecycle.claim(home.paths):
        home.paths.runtime_file.write_text("{")

        assert lifecycle.find_running(home.paths) is None


def test_one_process_at_a_time_has_the_claim_and_it_leaves_no_files(home: Home) -> None:
    with lifecycle.claim(home.paths):
        with pytest.raises(AlreadyRunning) as caught, lifecycle.claim(home.paths):
            pass
        assert caught.value.message == "copilotd already runs and is starting or ending"

    assert home.list_runtime_files() == []


def test_a_daemon_that_ends_early_is_reported_with_its_error(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed) as caught:
            home.launch("--port", str(port))

    name = psutil.Process().name()
    assert caught.value.message == (
        f"the daemon did not start: port {port} is in use by {name} (pid {os.getpid()})"
    )
    assert caught.value.hint == (
        "End that program, or choose another port: "
        f"copilotd start --port {port + 1}. The whole log: {home.paths.log}"
    )
    assert home.list_runtime_files() == []


def test_a_daemon_that_crashes_is_reported_with_its_last_line(home: Home) -> None:
    crash = (sys.executable, "-c", "raise RuntimeError('no such luck')")

    with pytest.raises(StartFailed) as caught:
        lifecycle.launch(home.paths, (), crash)

    assert caught.value.message == "the daemon did not start: RuntimeError: no such luck"
    assert caught.value.hint == f"Run copilotd doctor. The whole log: {home.paths.log}"


def test_a_runtime_folder_that_cannot_be_created_is_named_in_the_error(home: Home) -> None:
    home.paths.runtime.write_text("not a folder")

    with pytest.raises(StartFailed) as caught:
        home.launch()

    assert str(home.paths.runtime) in caught.value.message
    home.paths.runtime.unlink()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_despite_open_connections(
    home: Home, number: signal.Signals
) -> None:
    running = home.launch()
    question = {"messages": [{"role": "user", "content": "wait"}], "stream": True}
    with (
        httpx2.Client(base_url=running.url, trust_env=False) as client,
        client.stream("POST", "/v1/chat/completions", json=question) as answer,
        socket.socket(socket.AF_UNIX) as editor,
    ):
        # The name keeps the iterator alive. Without it the connection would close at once.
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        editor.connect(running.socket)

        os.kill(running.pid, number)

        assert eventually(lambda: not is_alive(running.pid), within_s=ENDS_WITHIN_S)
    assert home.list_runtime_files() == []
    assert lifecycle.find_running(home.paths) is None


def test_a_daemon_that_ignores_signals_is_killed_with_its_children() -> None:
    stubborn = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True)
    with stubborn:
        assert stubborn.stdout is not None
        child = int(stubborn.stdout.readline())
        started = psutil.Process(stubborn.pid).create_time()

        lifecycle.stop(RunningDaemon(stubborn.pid, "", "", "", started), timeout_s=0.2)

        assert eventually(lambda: not is_alive(stubborn.pid))
        assert eventually(lambda: not is_alive(child))


def test_stopping_a_daemon_that_has_ended_does_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(ended.pid).create_time()
    ended.wait()

    lifecycle.stop(RunningDaemon(ended.pid, "", "", "", started), timeout_s=0.2)

    assert not is_alive(ended.pid)


def test_starting_and_stopping_leaves_no_files_or_processes(home: Home) -> None:
    before = set(psutil.Process().children(recursive=True))

    for _ in range(CYCLES):
        running = home.launch()
        lifecycle.stop(running, 5.0)
        assert not is_alive(running.pid)
        assert home.list_runtime_files() == []

    left = set(psutil.Process().children(recursive=True)) - before
    assert eventually(lambda: not any(is_alive(process.pid) for process in left))
    assert [line for line in read_log_lines(home.paths.log) if " ERROR " in line] == []


def read_log_lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()
