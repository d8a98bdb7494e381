"""Run those tests of llama.cpp's server that are expected to pass with copilotd."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx2
import pytest

from tests.daemon.temp_user import eventually
from tests.real.llama_server import find_free_port, read_expectations, run

FOLDER = os.environ.get("COPILOTD_LLAMA_SERVER_TESTS", "")


def test_no_llama_server_test_is_both_expected_and_excused() -> None:
    expectations = read_expectations()
    excused = [test for reason in expectations["reasons"] for test in reason["tests"]]

    assert len(set(excused)) == len(excused)
    assert not set(expectations["expected"]) & set(excused)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.skipif(not FOLDER, reason="COPILOTD_LLAMA_SERVER_TESTS names no folder")
@pytest.mark.timeout(3600)
def test_llama_servers_tests_pass_as_expected(model_path: Path) -> None:
    expected = read_expectations()["expected"]

    outcomes = run(Path(FOLDER), model_path, expected)

    assert len(outcomes) >= len(expected)
    assert {test: outcome for test, outcome in outcomes.items() if outcome[0] != "passed"} == {}


@pytest.mark.model
def test_the_llama_server_command_accepts_its_flags_and_leaves_no_files(model_path: Path) -> None:
    port = find_free_port()
    flags = ["-m", str(model_path), "--port", str(port), "-c", "512", "-n", "4", "--lora", "x"]
    with tempfile.TemporaryDirectory(prefix="ls-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "copilotd", "compat", "llama-server", *flags],
            env=os.environ | {"TMPDIR": folder},
            stderr=subprocess.PIPE,
            text=True,
        )
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as http:
            assert eventually(lambda: is_healthy(http), within_s=60)
            answer = http.post("/completion", json={"prompt": "def add(", "temperature": 0}).json()
        process.terminate()
        _, stderr = process.communicate(timeout=30)

        assert list(Path(folder).iterdir()) == []
    assert (answer["tokens_predicted"], answer["stop_type"]) == (4, "limit")
    assert process.returncode == 0
    assert stderr.startswith("ignored: --lora x\n")


def is_healthy(http: httpx2.Client) -> bool:
    try:
        return http.get("/health").status_code == 200
    except httpx2.TransportError:
        return False
