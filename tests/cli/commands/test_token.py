"""The token on the command line, and a daemon that requires it."""

import stat

import httpx2

from copilotd.cli.daemon_client import DaemonClient
from tests.daemon.temp_user import Home


def test_the_token_is_printed_and_stays_until_the_user_requests_a_new_one(home: Home) -> None:
    first, again = home.run("token"), home.run("token")
    new = home.run("token", "--new")

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == again.stdout != new.stdout
    assert home.paths.token.read_text() == new.stdout
    assert stat.S_IMODE(home.paths.token.stat().st_mode) == 0o600


def test_a_daemon_that_requires_no_token_creates_none(home: Home) -> None:
    running = home.launch()

    assert running.token_file == ""
    assert not home.paths.token.exists()


def test_commands_send_the_token_and_other_clients_are_refused(home: Home) -> None:
    home.write_settings('[server]\nrequire_token = "on"\n')
    running = home.launch()
    token = home.run("token").stdout.strip()
    stranger = httpx2.get(f"{running.url}/v1/models", trust_env=False)
    friend = httpx2.get(f"{running.url}/v1/models", headers={"api-key": token}, trust_env=False)
    done = home.run("status")
    home.run("token", "--new")
    with DaemonClient(running) as connection:
        status = connection.status()

    assert running.token_file == str(home.paths.token)
    assert (stranger.status_code, friend.status_code) == (401, 200)
    assert done.returncode == 0, done.stderr
    assert status.pid == running.pid
    assert token not in home.paths.log.read_text()


def test_a_daemon_beyond_loopback_requires_the_token(home: Home) -> None:
    running = home.launch("--port", "0", "--host", "0.0.0.0")
    stranger = httpx2.get(f"{running.url}/v1/models", trust_env=False)

    assert stranger.status_code == 401
    assert home.run("status").returncode == 0


def test_no_daemon_starts_beyond_loopback_without_the_token(home: Home) -> None:
    home.write_settings('[server]\nhost = "0.0.0.0"\nport = 0\nrequire_token = "off"\n')

    done = home.run("start")

    assert done.returncode == 1
    assert done.stderr == (
        "error: server.host is 0.0.0.0, where anybody on your network could use the model, "
        "and server.require_token is off\n"
        'next: Set server.require_token to "on", or to "off-everywhere" if that is what you '
        "want.\n"
    )
