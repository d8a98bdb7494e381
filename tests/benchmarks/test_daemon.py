import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.peers import GUARD
from benchmarks.servers.daemon import run_daemon
from tests.daemon.temp_user import eventually, is_alive
from tests.real.conftest import model_path

__all__ = ["model_path"]  # a fixture

BENCHMARK = """
import sys, time
from pathlib import Path
from benchmarks.servers.daemon import run_daemon

with run_daemon(Path(sys.argv[1])) as daemon:
    print(daemon.pid, daemon.env["HOME"], flush=True)
    time.sleep(600)
"""


@pytest.mark.model
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_benchmark_leaves_no_daemon_no_worker_and_no_folder(
    model_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", BENCHMARK, str(model_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as benchmark:
        assert benchmark.stdout is not None
        pid, home = benchmark.stdout.readline().split()
        daemon = psutil.Process(int(pid))
        processes = [daemon, *daemon.children(recursive=True)]
        assert len(processes) > 1
        benchmark.send_signal(number)

    assert eventually(lambda: not any(is_alive(p.pid) for p in processes), within_s=60)
    assert eventually(lambda: not os.path.exists(home), within_s=60)


def test_a_daemon_that_does_not_start_ends_the_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), run_daemon(tmp_path / "missing.gguf"):
        raise AssertionError("it runs")


def test_the_guard_kills_a_server_when_its_input_ends() -> None:
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with server:
        guard = subprocess.Popen(
            [sys.executable, "-c", GUARD, str(server.pid)], stdin=subprocess.PIPE
        )
        with guard:
            assert server.poll() is None
        assert server.wait(60) == -signal.SIGKILL
