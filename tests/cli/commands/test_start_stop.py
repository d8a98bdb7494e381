"""`start`, `stop` and `restart` as a user sees them, without a model."""

import os
import signal
import socket
import struct
import subprocess
import sys

import psutil
import pytest

from copilotd import __version__, lifecycle
from tests.daemon.temp_user import Home, eventually, is_alive


def test_a_second_start_reports_the_running_daemon(home: Home) -> None:
    running = home.launch()

    done = home.run("start")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"copilotd already runs: {running.url} (pid {running.pid}).\n"
        "With other options: copilotd restart --model NAME. To end it: copilotd stop.\n"
    )


def test_a_second_start_in_the_foreground_fails(home: Home) -> None:
    running = home.launch()

    done = home.run("start", "--foreground")

    assert done.returncode == 1
    assert done.stderr == (
        f"error: copilotd already runs on {running.url} (pid {running.pid})\n"
        "next: Run copilotd restart or copilotd stop.\n"
    )


def test_the_error_for_a_port_in_use_names_the_program_and_the_flag_to_use(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = home.run("start", "--port", str(port))

    assert done.returncode == 1
    assert done.stderr == (
        f"error: port {port} is in use by {psutil.Process().name()} (pid {os.getpid()})\n"
        "next: End that program, or choose another port: "
        f"copilotd start --port {port + 1}.\n"
    )


def test_start_refuses_invalid_settings(home: Home) -> None:
    file = home.write_settings("[completion]\nmax_lines = 0\n")

    done = home.run("start")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: completion.max_lines (from {file}): Input should be greater than or equal to 1; "
        "got 0\n"
        "next: Allowed: a whole number, at least 1.\n"
    )


@pytest.mark.parametrize("flag", ["--n-ctx", "--n_ctx"])
def test_start_accepts_the_flags_of_other_servers(home: Home, flag: str) -> None:
    done = home.run("start", flag, "7")

    assert done.stderr == (
        "error: model.n_ctx (from the command line): Input should be greater than or equal to 256; "
        "got '7'\n"
        "next: Allowed: a whole number, at least 256.\n"
    )


def test_start_names_a_missing_model_if_auto_download_is_off(home: Home) -> None:
    options = ("--model", "qwen2.5-coder-0.5b-instruct", "--port", "0")
    done = home.run("start", *options, COPILOTD_MODEL__AUTO_DOWNLOAD="false")

    assert done.returncode == 1
    assert done.stderr == (
        "Model: qwen2.5-coder-0.5b-instruct\n  It was chosen by the command line.\n"
        "error: The model qwen2.5-coder-0.5b-instruct is not installed, and model.auto_download "
        "is off\n"
        "next: Download it with `copilotd models pull qwen2.5-coder-0.5b-instruct`.\n"
    )
    assert lifecycle.find_running(home.paths) is None


def test_start_refuses_invalid_upstream_settings(home: Home) -> None:
    home.write_settings('[engine]\nkind = "upstream"\n')

    done = home.run("start")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'error: engine.kind is "upstream", and upstream.url is empty\n'
        "next: copilotd config set upstream.url http://HOST:PORT\n"
    )


def test_start_reports_an_upstream_that_does_not_answer_and_downloads_no_model(home: Home) -> None:
    home.write_settings(
        '[engine]\nkind = "upstream"\n[upstream]\nurl = "http://127.0.0.1:1"\nfallback = false\n'
    )

    done = home.run("start", "--port", "0")
    shown = home.run("status").stdout

    sent = "code and conversations are sent to http://127.0.0.1:1, which does not answer: nothing"
    assert done.returncode == 1
    assert "Model:" not in done.stderr
    assert "its model was not loaded: nothing answers at http://127.0.0.1:1" in done.stderr
    assert f"upstream    {sent} answers at http://127.0.0.1:1" in shown


def test_start_fails_if_the_model_does_not_load_and_the_daemon_goes_on(home: Home) -> None:
    file = home.folder / "odd.gguf"
    file.write_bytes(build_gguf(architecture="odd"))

    done = home.run("start", "--model", "odd.gguf", "--port", "0")

    lines = done.stderr.splitlines()
    assert done.returncode == 1
    # The output also has a line about the loading, unless the loading ends before the first look.
    assert lines[:2] == [f"Model: {file.resolve()}", "  It was chosen by the command line."]
    assert lines[-2].startswith("error: the daemon runs, but its model was not loaded: ")
    assert "unknown model architecture: 'odd'" in lines[-2]
    assert lines[-1] == "next: copilotd doctor; then copilotd restart."
    assert home.run("status").returncode == 0


def build_gguf(architecture: str) -> bytes:
    """Build a whole GGUF file of version 3 with one key and no tensors."""
    key, value = b"general.architecture", architecture.encode()
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    pair = struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(value)) + value
    return (head + pair).ljust(128, b"\0")


def test_stop_ends_the_daemon(home: Home) -> None:
    running = home.launch()

    done = home.run("stop")

    assert (done.returncode, done.stderr) == (0, f"Stopped (pid {running.pid}).\n")
    assert not is_alive(running.pid)
    assert home.list_runtime_files() == []


def test_stop_without_a_daemon_says_so_and_removes_the_files_of_a_killed_one(home: Home) -> None:
    killed = home.launch()
    os.kill(killed.pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(killed.pid))

    done = home.run("stop")

    assert (done.returncode, done.stderr) == (3, "error: no daemon runs\nnext: copilotd start.\n")
    assert home.list_runtime_files() == []


def test_the_daemon_of_an_editor_starts_despite_invalid_settings(home: Home) -> None:
    file = home.write_settings("[completion]\nmax_lines = 0\n[model]\nauto_download = false\n")

    running = lifecycle.launch(home.paths, ("--port", "0"))

    assert lifecycle.find_running(home.paths) == running
    assert (
        f"ERROR   copilotd.cli.launch: completion.max_lines (from {file}): Input should be "
        "greater than or equal to 1; got 0. Allowed: a whole number, at least 1. "
        "The default is used."
    ) in home.paths.log.read_text("utf-8")


def test_the_daemon_of_an_editor_uses_the_local_model_if_the_upstream_settings_are_invalid(
    home: Home,
) -> None:
    home.write_settings('[engine]\nkind = "upstream"\n[model]\nauto_download = false\n')

    lifecycle.launch(home.paths, ("--port", "0"))

    assert (
        'copilotd.cli.launch: engine.kind is "upstream", and upstream.url is empty. copilotd '
        "config set upstream.url http://HOST:PORT The default is used."
    ) in home.paths.log.read_text("utf-8")
    assert "upstream " not in home.run("status").stdout


def test_the_main_help_imports_no_heavy_library() -> None:
    heavy = ("fastapi", "httpx2", "huggingface_hub", "llama_cpp", "pydantic", "pygls", "uvicorn")
    code = f"import sys, copilotd.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_help_of_every_command_has_examples(home: Home) -> None:
    commands = ("start", "stop", "restart", "status", "logs", "complete", "chat", "doctor")

    texts = {command: home.run(command, "--help").stdout for command in commands}

    assert [command for command, text in texts.items() if f" copilotd {command}" not in text] == []
    assert [command for command, text in texts.items() if "Examples:" not in text] == []


def test_the_help_explains_the_exit_codes(home: Home) -> None:
    words = " ".join(home.run("--help").stdout.split())

    assert (
        "Exit codes: 0 done · 1 failed · 2 wrong usage · 3 no daemon runs · 130 interrupted."
    ) in words


def test_the_version_is_printed(home: Home) -> None:
    assert home.run("--version").stdout == f"copilotd {__version__}\n"


def test_an_unknown_command_is_a_usage_error(home: Home) -> None:
    assert home.run("strat").returncode == 2


def test_an_error_shows_its_traceback_only_in_debug_mode(home: Home) -> None:
    plain = home.run("start", "--n-ctx", "7")
    debugging = home.run("start", "--n-ctx", "7", COPILOTD_LOG__LEVEL="DEBUG")

    assert "Traceback" not in plain.stderr
    assert debugging.stderr.startswith("Traceback")
    assert debugging.returncode == 1
