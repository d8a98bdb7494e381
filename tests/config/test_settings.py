"""Where settings come from, and which source overrides which."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from copilotd.config import (
    PROJECT_FILE,
    ChatSection,
    ServerSection,
    Settings,
    describe_changes,
    find_origin,
    find_project_file,
    load,
    load_leniently,
    read_layers,
)
from copilotd.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "copilotd.toml"


def test_a_missing_file_gives_the_defaults(file: Path) -> None:
    assert load(file) == Settings()


def test_each_source_overrides_those_below_it(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / PROJECT_FILE
    loaded = [load(file, project).completion.max_lines]
    file.write_text("[completion]\nmax_lines = 2\nmax_tokens = 20\n")
    loaded.append(load(file, project).completion.max_lines)
    project.write_text("[completion]\nmax_lines = 3\n")
    loaded.append(load(file, project).completion.max_lines)
    monkeypatch.setenv("COPILOTD_COMPLETION__MAX_LINES", "4")
    loaded.append(load(file, project).completion.max_lines)
    options = {"completion": {"max_lines": 5}}
    resolved = load(file, project, options)
    loaded.append(resolved.completion.max_lines)

    assert loaded == [8, 2, 3, 4, 5]
    assert resolved.completion.max_tokens == 20


def test_every_setting_records_its_source(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("[log]\nlevel = 'DEBUG'\n[server]\nport = 1\n")
    monkeypatch.setenv("COPILOTD_SERVER__PORT", "2")
    options = {"model": {"name": "mine"}}

    layers, problems = read_layers(file, None, options)

    keys = ("model.name", "server.port", "log.level", "chat.max_tokens")
    assert [find_origin(key, layers) for key in keys] == [
        "the command line",
        "COPILOTD_SERVER__PORT",
        str(file),
        "default",
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "[server]\nport = 99999",
            "server.port (from {file}): Input should be less than or equal to 65535; got 99999",
            "Allowed: a whole number, at least 0, at most 65535.",
        ),
        (
            "[model]\nflash_attention = 'maybe'",
            "model.flash_attention (from {file}): Input should be 'auto', 'on' or 'off'; "
            "got 'maybe'",
            'Allowed: one of "auto", "on", "off".',
        ),
        (
            "[completion]\ndisabled_languages = 3",
            "completion.disabled_languages (from {file}): Input should be a valid list; got 3",
            "Allowed: a list of texts.",
        ),
        (
            "[server]\nprot = 1",
            "server.prot (from {file}) is not a setting; did you mean server.port?",
            "Allowed: in [server] the keys host, port, unix_socket, allowed_hosts, "
            "allowed_origins, require_token, max_requests.",
        ),
        (
            "[zzz]\nport = 1",
            "zzz (from {file}) is not a setting",
            "Allowed: the tables model, server, engine, upstream, completion, chat, embedding, "
            "tools, llama_cpp, log.",
        ),
        (
            "[upstream]\nurl = 'example.org:80'",
            "upstream.url (from {file}): must be a URL that begins with http:// or https://",
            "Allowed: text.",
        ),
        (
            "[upstream]\nurl = 'http://me:s3cret@example.org'",
            "upstream.url (from {file}): must not contain a user, password or query; put "
            "the key into upstream.key",
            "Allowed: text.",
        ),
        (
            "[upstream]\nkey = 53",
            "upstream.key (from {file}): Input should be a valid string",
            "Allowed: text.",
        ),
        (
            "[tools.mcp.a]\ncomand = ['x']",
            "tools.mcp.a.comand (from {file}) is not a setting",
            "Allowed: in [tools.mcp.NAME] the keys command, environment, url, headers, tools, "
            "enabled.",
        ),
        (
            "[tools.mcp.a]\nurl = 'http://a'\ncommand = ['x']\nheaders = {Key = 'secret'}",
            "tools.mcp.a (from {file}): Value error, set either command or url",
            "Allowed: in [tools.mcp.NAME] the keys command, environment, url, headers, tools, "
            "enabled.",
        ),
        (
            "[tools.mcp.a_b]\nurl = 'http://a'",
            "tools.mcp.a_b.[key] (from {file}): String should match pattern "
            "'^[a-zA-Z0-9-]{{1,32}}$'; got 'a_b'",
            "Allowed: in [tools.mcp.NAME] the keys command, environment, url, headers, tools, "
            "enabled.",
        ),
        (
            "log = 1",
            "log (from {file}): Input should be a valid dictionary or instance of LogSection; "
            "got 1",
            "Allowed: in [log] the keys level.",
        ),
    ],
)
def test_the_error_for_an_invalid_value_names_key_file_and_allowed_values(
    file: Path, text: str, message: str, hint: str
) -> None:
    file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load(file)

    assert caught.value.message == message.format(file=file)
    assert caught.value.hint == hint


def test_the_error_for_an_invalid_variable_names_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPILOTD_MODEL__N_CTX", "many")

    with pytest.raises(ConfigError, match=r"^model.n_ctx \(from COPILOTD_MODEL__N_CTX\): "):
        load(file)


def test_a_variable_for_a_whole_table_must_be_json(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPILOTD_SERVER", "port 8010")

    with pytest.raises(ConfigError, match=r"^the environment \(COPILOTD_\*\): .*server"):
        load(file)


def test_the_error_for_a_file_that_is_not_toml_names_file_and_line(file: Path) -> None:
    file.write_text("[server\n")

    with pytest.raises(ConfigError) as caught:
        load(file)

    assert caught.value.message.startswith(f"{file}: ")
    assert "line 1" in caught.value.message
    assert caught.value.hint == "Correct the file, or move it away."


def test_a_lenient_load_keeps_valid_values_and_reports_every_invalid_one(file: Path) -> None:
    file.write_text("[server]\nport = 99999\nhost = '::1'\n[zzz]\na = 1\n[chat]\nmax_tokens = 7\n")

    settings, problems = load_leniently(file)

    assert (settings.server.port, settings.server.host) == (8000, "::1")
    assert settings.chat.max_tokens == 7
    assert [problem.message.partition(" ")[0] for problem in problems] == ["server.port", "zzz"]


def test_a_lenient_load_of_a_file_that_is_not_toml_gives_the_defaults(file: Path) -> None:
    file.write_text("[server\n")

    settings, problems = load_leniently(file)

    assert settings == Settings()
    assert len(problems) == 1


@pytest.mark.parametrize("table", ["server", "model", "engine", "upstream", "log"])
def test_a_project_cannot_set_what_listens_or_downloads_or_where_code_is_sent(
    file: Path, tmp_path: Path, table: str
) -> None:
    project = tmp_path / PROJECT_FILE
    values: Mapping[str, Any] = {
        "server": "host = '0.0.0.0'",
        "model": "name = 'x'",
        "engine": "kind = 'upstream'",
        "upstream": "url = 'http://example.org'",
    }
    project.write_text(f"[{table}]\n{values.get(table, '')}\n[chat]\nmax_tokens = 7\n")

    settings, problems = load_leniently(file, project)

    assert settings.chat.max_tokens == 7
    assert settings == Settings(chat=ChatSection(max_tokens=7))
    assert [problem.message for problem in problems] == [
        f"[{table}] (from {project}): a project cannot set this table"
    ]


def test_a_project_cannot_choose_a_model_to_download(file: Path, tmp_path: Path) -> None:
    project = tmp_path / PROJECT_FILE
    project.write_text("[chat]\nmodel = 'hf:a/b/c.gguf'\nmax_tokens = 7\n")

    settings, problems = load_leniently(file, project)

    assert (settings.chat.model, settings.chat.max_tokens) == ("", 7)
    assert [problem.message for problem in problems] == [
        f"chat.model (from {project}): a project cannot set this"
    ]


def test_changes_of_a_table_and_of_its_exceptions_are_described_separately() -> None:
    old = Settings()
    chat = ChatSection(model="talker", max_tokens=7)
    new = Settings(chat=chat, server=ServerSection(port=1))

    assert list(describe_changes(old, old)) == []
    assert list(describe_changes(old, new)) == [
        "[server] changed, takes effect after copilotd restart",
        "[chat] changed, takes effect",
        "chat.model changed, takes effect after copilotd restart",
    ]


def test_the_nearest_project_file_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_project_file(inner) is None

    (tmp_path / PROJECT_FILE).touch()
    assert find_project_file(inner) == tmp_path / PROJECT_FILE

    (tmp_path / "a" / PROJECT_FILE).touch()
    assert find_project_file(inner) == tmp_path / "a" / PROJECT_FILE


def test_a_setting_that_is_auto_or_a_number_rejects_other_values(
    tmp_path: Path,
) -> None:
    file = tmp_path / "copilotd.toml"
    file.write_text('[completion]\nmax_tokens = "auto"\nprefix_tokens = 100\nsuffix_tokens = "x"\n')

    settings, problems = load_leniently(file)

    completion = settings.completion
    assert (completion.max_tokens, completion.prefix_tokens) == ("auto", 100)
    assert completion.suffix_tokens == "auto"
    assert [(problem.message, problem.hint) for problem in problems] == [
        (
            f"completion.suffix_tokens (from {file}): Input should be a valid integer, unable to "
            "parse string as an integer; got 'x'",
            'Allowed: "auto" or a whole number, at least 0.',
        )
    ]
