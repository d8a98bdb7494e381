import tomllib
from pathlib import Path

import pytest

from copilotd.cli.settings_file import render_sample, set_setting
from copilotd.config import Settings, load
from copilotd.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "configs" / "copilotd.toml"

EXISTING_TEXT = """\
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
def existing_file(file: Path) -> Path:
    file.parent.mkdir()
    file.write_text(EXISTING_TEXT)
    return file


def test_the_sample_in_the_repository_is_up_to_date() -> None:
    assert SHIPPED.read_text("utf-8") == render_sample()


def test_the_sample_changes_no_setting(tmp_path: Path) -> None:
    assert load(SHIPPED) == Settings()


def test_the_uncommented_sample_has_the_defaults(tmp_path: Path) -> None:
    uncommented = "\n".join(
        line.removeprefix("#") for line in render_sample().splitlines() if not line.startswith("# ")
    )

    assert tomllib.loads(uncommented) == Settings().model_dump()


def test_setting_a_key_keeps_comments_and_other_lines(existing_file: Path) -> None:
    assert set_setting(existing_file, "server.port", "9000") == 9000

    assert existing_file.read_text() == EXISTING_TEXT.replace("8010", "9000")


def test_setting_a_missing_key_adds_it_to_its_table(existing_file: Path) -> None:
    set_setting(existing_file, "completion.max_tokens", "20")
    set_setting(existing_file, "chat.temperature", "0.5")

    assert (
        existing_file.read_text()
        == EXISTING_TEXT + "max_tokens = 20\n\n[chat]\ntemperature = 0.5\n"
    )


def test_setting_a_key_creates_the_file(file: Path) -> None:
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
def test_values_are_written_with_their_type(file: Path, key: str, value: str, line: str) -> None:
    set_setting(file, key, value)

    assert file.read_text() == f"[{key.partition('.')[0]}]\n{line}\n"
    assert load(file)


def test_a_table_is_given_as_inline_toml(file: Path) -> None:
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
def test_an_invalid_value_is_refused_before_the_file_is_written(
    existing_file: Path, key: str, value: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        set_setting(existing_file, key, value)

    assert caught.value.message == message
    assert existing_file.read_text() == EXISTING_TEXT


def test_a_file_that_is_not_toml_is_not_changed(existing_file: Path) -> None:
    existing_file.write_text("[server\n")

    with pytest.raises(ConfigError, match=f"^{existing_file}: "):
        set_setting(existing_file, "server.port", "9000")

    assert existing_file.read_text() == "[server\n"


def test_a_linked_settings_file_stays_a_link(existing_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(existing_file)

    set_setting(link, "server.port", "9000")

    assert link.is_symlink()
    assert existing_file.read_text() == EXISTING_TEXT.replace("8010", "9000")


def test_only_the_owner_can_read_a_file_with_an_api_key(file: Path) -> None:
    set_setting(file, "server.port", "9000")
    before = file.stat().st_mode & 0o077
    set_setting(file, "upstream.key", "s3cret")
    with_key = file.stat().st_mode & 0o777
    set_setting(file, "server.port", "9001")

    assert before
    assert with_key == file.stat().st_mode & 0o777 == 0o600
    assert 'key = "s3cret"' in file.read_text()
