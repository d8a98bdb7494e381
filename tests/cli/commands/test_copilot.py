from pathlib import Path

import pytest

from copilotd.cli.copilot_settings import KEY
from copilotd.cli.jsonc import parse
from tests.daemon.temp_user import Home

OWN = '{\n    // mine\n    "editor.fontSize": 14\n}\n'
HERE = {"debug.overrideProxyUrl": "http://127.0.0.1:8000", "debug.overrideEngine": "copilotd"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_text(OWN)
    return path


def test_the_extension_is_switched_to_the_daemon_and_back(home: Home, file: Path) -> None:
    done = home.run("copilot", "enable", "--yes", "--settings", str(file))
    assert done.returncode == 0, done.stderr
    assert '+        "debug.overrideProxyUrl": "http://127.0.0.1:8000",' in done.stdout
    assert parse(file.read_text()) == {"editor.fontSize": 14, KEY: HERE}
    assert "// mine" in file.read_text()

    status = home.run("copilot", "status", "--settings", str(file)).stdout
    assert status == f"{file}: http://127.0.0.1:8000 (copilotd)\n"

    home.run("copilot", "disable", "--yes", "--settings", str(file))
    assert file.read_text() == OWN
    assert home.run("copilot", "status", "--settings", str(file)).stdout == f"{file}: GitHub\n"


def test_nothing_is_written_without_the_consent_of_the_user(home: Home, file: Path) -> None:
    done = home.run("copilot", "enable", "--settings", str(file))
    assert "Change it so?" in done.stdout
    assert file.read_text() == OWN


def test_the_overridden_settings_are_restored(home: Home, file: Path) -> None:
    own = {"debug.overrideProxyUrl": "http://proxy", "length": 500}
    file.write_text(
        '{"github.copilot.advanced": {"debug.overrideProxyUrl": "http://proxy", "length": 500}}'
    )
    home.run("copilot", "disable", "--yes", "--settings", str(file))
    assert parse(file.read_text()) == {KEY: own}
    for _ in range(2):
        home.run("copilot", "enable", "--yes", "--settings", str(file))
    home.run("copilot", "disable", "--yes", "--settings", str(file))
    assert parse(file.read_text()) == {KEY: own}


def test_a_file_that_is_not_json_is_not_changed(home: Home, file: Path) -> None:
    file.write_text("{ mine")
    done = home.run("copilot", "enable", "--yes", "--settings", str(file))
    assert (done.returncode, file.read_text()) == (1, "{ mine")
    assert str(file) in done.stderr and "Fix it in VS Code" in done.stderr


def test_without_vs_code_the_command_asks_for_the_file(home: Home) -> None:
    done = home.run("copilot", "status", XDG_CONFIG_HOME=str(home.folder / "none"))
    assert done.returncode == 1
    assert "--settings" in done.stderr
