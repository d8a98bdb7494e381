import tomllib
from pathlib import Path

import pytest

from copilotd.cli.settings_file import render_sample, set_setting
from copilotd.config import Settings, load
from copilotd.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "configs" / "copilotd.toml"

WRITTEN = """\
# Mine.
[server]
port = 8010 # not 8000
host = "127.0.0.1"

[completion]
# Short ones only.
max_lines = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "copilotd.toml"


@pytest.fixture
def written(file: Path) -> Path:
    file.parent.mkdir()
    file.write_text(WRITTEN)
    return file


def test_the_sample_in_the_repository_is_what_the_models_say() -> None:
    assert SHIPPED.read_text("utf-8") == render_sample()


def test_the_sample_changes_nothing_as_it_is(tmp_path: Path) -> None:
    assert load(SHIPPED) == Settings()


def test_the_sample_says_the_defaults(tmp_path: Path) -> None:
    uncommented = "\n".join(
        line.removeprefix("#") for line in render_sample().splitlines() if not line.startswith("# ")
    )

    assert tomllib.loads(uncommented) == Settings().model_dump()


def test_a_change_keeps_comments_and_the_other_lines(written: Path) -> None:
    assert set_setting(written, "server.port", "9000") == 9000

    assert written.read_text() == WRITTEN.replace("8010", "9000")


def test_a_change_of_a_key_that_was_not_there_adds_it_to_its_table(written: Path) -> None:
    set_setting(written, "completion.max_tokens", "20")
    set_setting(written, "chat.temperature", "0.5")

    assert written.read_text() == WRITTEN + "max_tokens = 20\n\n[chat]\ntemperature = 0.5\n"


def test_a_change_creates_the_file(file: Path) -> None:
    set_setting(file, "model.name", "qwen2.5-coder-3b")

    assert file.read_text() == '[model]\nname = "qwen2.5-coder-3b"\n'
    assert [path.name for path in file.parent.iterdir()] == ["copilotd.toml"]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("model.auto_download", "false", "auto_download = false"),
        ("model.flash_attention", "off", 'flash_attention = "off"'),
        ("engine.idle_minutes", "0", "idle_minutes = 0.0"),
        (
            "completion.disabled_languages",
            "markdown, tex",
            'disabled_languages = ["markdown", "tex"]',
        ),
        ("completion.disabled_languages", '["markdown"]', 'disabled_languages = ["markdown"]'),
        ("completion.disabled_languages", "", "disabled_languages = []"),
    ],
)
def test_values_are_written_in_their_own_type(file: Path, key: str, value: str, line: str) -> None:
    set_setting(file, key, value)

    assert file.read_text() == f"[{key.partition('.')[0]}]\n{line}\n"
    assert load(file)


def test_a_table_is_given_as_toml_writes_it_in_one_line(file: Path) -> None:
    set_setting(file, "tools.permissions", '{read_file = "ask", run_command = "allow"}')

    text = file.read_text()
    assert text == '[tools.permissions]\nread_file = "ask"\nrun_command = "allow"\n'
    assert load(file).tools.permissions == {"read_file": "ask", "run_command": "allow"}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "server.port",
            "many",
            "server.port (from the command line): Input should be a valid integer, unable to "
            "parse string as an integer; got 'many'",
        ),
        (
            "completion.max_line",
            "3",
            "completion.max_line (from the command line) is not a setting; "
            "did you mean completion.max_lines?",
        ),
        (
            "tools.permissions",
            "ask",
            "tools.permissions (from the command line): Input should be a valid dictionary; "
            "got 'ask'",
        ),
        ("nothing", "3", "nothing (from the command line) is not a setting"),
    ],
)
def test_a_bad_change_is_refused_before_anything_is_written(
    written: Path, key: str, value: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        set_setting(written, key, value)

    assert caught.value.message == message
    assert written.read_text() == WRITTEN


def test_a_file_that_is_not_toml_is_left_alone(written: Path) -> None:
    written.write_text("[server\n")

    with pytest.raises(ConfigError, match=f"^{written}: "):
        set_setting(written, "server.port", "9000")

    assert written.read_text() == "[server\n"


def test_a_linked_file_stays_a_link(written: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(written)

    set_setting(link, "server.port", "9000")

    assert link.is_symlink()
    assert written.read_text() == WRITTEN.replace("8010", "9000")


def test_a_file_that_holds_a_key_is_its_owners_alone(file: Path) -> None:
    set_setting(file, "server.port", "9000")
    before = file.stat().st_mode & 0o077
    set_setting(file, "upstream.key", "s3cret")
    with_key = file.stat().st_mode & 0o777
    set_setting(file, "server.port", "9001")

    assert before
    assert with_key == file.stat().st_mode & 0o777 == 0o600
    assert 'key = "s3cret"' in file.read_text()
