import re
import subprocess
import sys

import msgspec

from copilotd import __version__
from copilotd.engine.types import Phase
from copilotd.serving.status import DaemonStatus
from tests.daemon.temp_user import Home

# A measurement of the machine is a request, too.
NOT_TUNED = "[model]\nauto_tune = false\n"
NO_DAEMON = "error: no daemon runs\nnext: copilotd start.\n"


def test_status_shows_the_running_daemon(home: Home) -> None:
    home.write_settings(NOT_TUNED)
    running = home.launch("--port", "0", "--model-alias", "mine")
    home.run("chat", "Hello?")

    done = home.run("status")

    shown = re.sub(r"daemon \d+\.\d MB", "daemon 80.0 MB", done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.sub(r"up \d+ s", "up 1 s", shown) == (
        f"copilotd    {__version__}, pid {running.pid}, up 1 s\n"
        "engine      ready\n"
        "model       fake as mine, 0 B, context 4096 tokens\n"
        "memory      model 0 B, daemon 80.0 MB\n"
        "editors     none connected\n"
        f"HTTP        {running.url}  (API page: {running.url}/docs)\n"
        f"LSP         {running.socket}\n"
        "requests    1, 0 running, 0 waiting\n"
        "speed       nothing measured yet\n"
        "ghost text  0 shown of 0 requested, 0 from the cache, 0 accepted\n"
        "read ahead  0 tokens of open documents, in pauses\n"
    )


def test_status_shows_a_second_model(home: Home) -> None:
    home.write_settings(NOT_TUNED + '[chat]\nmodel = "talker"\n')
    running = home.launch()
    home.run("chat", "Hello?")

    lines = home.run("status").stdout.splitlines()

    assert lines[1:5] == [
        "engine      ready",
        "model       fake, 0 B, context 4096 tokens",
        "chat engine ready",
        "chat model  talker, 0 B, context 4096 tokens",
    ]
    assert lines[5].startswith("memory      model 0 B, chat model 0 B, daemon ")
    assert lines[9:12] == [
        "requests    0, 0 running, 0 waiting; chat: 1, 0 running, 0 waiting",
        "speed       nothing measured yet",
        "chat speed  nothing measured yet",
    ]
    assert running.url in lines[7]


def test_status_as_json_has_every_value(home: Home) -> None:
    running = home.launch()

    status = msgspec.json.decode(home.run("status", "--json").stdout, type=DaemonStatus)

    assert (status.pid, status.url, status.state.phase) == (running.pid, running.url, Phase.READY)


def test_status_without_a_daemon_has_its_own_exit_code(home: Home) -> None:
    done = home.run("status")

    assert (done.returncode, done.stdout, done.stderr) == (3, "", NO_DAEMON)


def test_logs_prints_the_last_lines(home: Home) -> None:
    home.paths.state.mkdir(parents=True)
    home.paths.log.write_text("".join(f"line {number}\n" for number in range(100)), "utf-8")

    assert home.run("logs", "-n", "2").stdout == "line 98\nline 99\n"
    assert home.run("logs").stdout.startswith("line 50\n")


def test_logs_without_a_log_says_so(home: Home) -> None:
    done = home.run("logs")

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (f"error: there is no log yet: {home.paths.log}\nnext: copilotd start.\n")


def test_logs_follows_the_log_as_it_grows_and_is_rotated(home: Home) -> None:
    home.paths.state.mkdir(parents=True)
    home.paths.log.write_text("first\n", "utf-8")
    command = [sys.executable, "-m", "copilotd", "logs", "-f"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        try:
            seen = [following.stdout.readline()]
            with home.paths.log.open("a", encoding="utf-8") as log:
                log.write("second\n")
            seen.append(following.stdout.readline())
            home.paths.log.write_text("3\n", "utf-8")
            seen.append(following.stdout.readline())
        finally:
            following.kill()

    assert seen == ["first\n", "second\n", "3\n"]
