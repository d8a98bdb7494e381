import re

from tests.cli.test_settings_file import SHIPPED
from tests.daemon.temp_user import Home


def test_show_prints_every_setting_and_its_source(home: Home) -> None:
    file = home.write_settings("[completion]\nmax_lines = 4\n")
    project = home.folder / ".copilotd.toml"
    project.write_text("[chat]\nmax_tokens = 7\n")

    done = home.run("config", "show", COPILOTD_SERVER__PORT="8010")

    assert (done.returncode, done.stderr) == (0, "")
    lines = dict(re.split(r" {2,}", line) for line in done.stdout.splitlines() if line[0] != "[")
    assert lines.pop("max_lines = 4") == str(file)
    assert lines.pop("max_tokens = 7") == str(project)
    assert lines.pop("port = 8010") == "COPILOTD_SERVER__PORT"
    assert lines.pop('level = "INFO"') == "default"
    assert set(lines.values()) == {"default"}


def test_show_prints_tools_without_their_secrets(home: Home) -> None:
    home.write_settings(
        "[tools.permissions]\nrun_command = 'ask'\n"
        "[tools.commands.lint]\ncommand = ['ruff', 'check']\ndescription = 'Lint.'\n"
        "[tools.mcp.web]\nurl = 'https://mcp.example.org'\nheaders = {Key = 'sk-1'}\n"
        "[tools.mcp.own]\ncommand = ['serve']\nenvironment = {TOKEN = 'sk-2'}\n"
    )

    done = home.run("config", "show")

    assert (done.returncode, done.stderr) == (0, "")
    assert 'permissions = {run_command = "ask"}' in done.stdout
    assert 'commands = {lint = {command = ["ruff", "check"], description = "Lint."}}' in done.stdout
    assert (
        'mcp = {web = {url = "https://mcp.example.org", headers = "(hidden)"}, '
        'own = {command = ["serve"], environment = "(hidden)"}}'
    ) in done.stdout


def test_show_prints_everything_despite_an_invalid_value_and_fails(home: Home) -> None:
    file = home.write_settings("[completion]\nmax_lines = 0\n")

    done = home.run("config", "show")

    assert done.returncode == 1
    assert "max_lines = 8 " in done.stdout
    assert done.stderr.startswith(f"error: completion.max_lines (from {file}): ")


def test_path_prints_only_the_path(home: Home) -> None:
    file = home.paths.user_settings

    done = home.run("config", "path")

    assert done.stdout == f"{file}\n"
    assert done.stderr == f"There is none yet; begin with: copilotd config sample > {file}\n"


def test_sample_prints_the_sample(home: Home) -> None:
    assert home.run("config", "sample").stdout == SHIPPED.read_text("utf-8")


def test_set_prints_what_it_wrote_and_when_it_takes_effect(home: Home) -> None:
    file = home.paths.user_settings
    reloadable = ("config", "set", "completion.max_lines", "4")
    fixed = ("config", "set", "server.port", "8010")

    alone = home.run(*reloadable)
    beaten = home.run(*reloadable, COPILOTD_COMPLETION__MAX_LINES="5")
    home.launch()
    running = [home.run(*reloadable), home.run(*fixed)]

    assert [done.stderr for done in (alone, beaten, *running)] == [
        f"completion.max_lines = 4 in {file}\nThe next copilotd start uses it.\n",
        f"completion.max_lines = 4 in {file}\n"
        "But COPILOTD_COMPLETION__MAX_LINES is set, and overrides it.\n",
        f"completion.max_lines = 4 in {file}\nThe running daemon uses it at once.\n",
        f"server.port = 8010 in {file}\nThe running daemon uses it after copilotd restart.\n",
    ]
    assert file.read_text() == "[completion]\nmax_lines = 4\n\n[server]\nport = 8010\n"


def test_set_refuses_an_invalid_value(home: Home) -> None:
    done = home.run("config", "set", "log.level", "LOUD")

    assert done.returncode == 1
    assert done.stderr == (
        "error: log.level (from the command line): Input should be 'DEBUG', 'INFO', 'WARNING' or "
        "'ERROR'; got 'LOUD'\n"
        'next: Allowed: one of "DEBUG", "INFO", "WARNING", "ERROR".\n'
    )
    assert not home.paths.user_settings.exists()


def test_no_command_prints_an_api_key(home: Home) -> None:
    written = home.run("config", "set", "upstream.key", "s3cret")
    printed = home.run("config", "show")

    assert written.stderr.startswith(f"upstream.key = (hidden) in {home.paths.user_settings}\n")
    assert re.search(r"^key = \(hidden\) ", printed.stdout, re.MULTILINE)
    assert "s3cret" not in written.stdout + written.stderr + printed.stdout + printed.stderr
