import json
import os
import socket
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from copilotd.cli.diagnosis import build, model
from copilotd.cli.diagnosis.build import Build, check_build, probe
from copilotd.cli.diagnosis.check import Check, Verdict
from copilotd.cli.diagnosis.machine import check_editors, check_port, check_reach
from copilotd.cli.diagnosis.model import check_images, check_model
from copilotd.cli.diagnosis.upstream import check_upstream
from copilotd.config import ChatSection, ServerSection, UpstreamSection
from copilotd.engine.fake import FAKE_MODEL
from copilotd.engine.types import ModelInfo
from copilotd.errors import EngineDied, EngineLoadFailed
from copilotd.models.fim import FimTokens
from tests.daemon.temp_user import Home

SYSTEM = "CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = 0 | OPENMP = 1 | REPACK = 1 |"


class FakeModel:
    """A model with fixed answers, right or wrong as the test says, and fixed metadata."""

    def __init__(
        self, *, right: bool, info: ModelInfo = FAKE_MODEL, chat: ModelInfo | None = None
    ) -> None:
        self._right = right
        self._info = info
        self._chat = chat

    def info(self) -> ModelInfo:
        return self._info

    def chat_info(self) -> ModelInfo | None:
        return self._chat

    def fill(self, before: str, after: str, max_tokens: int) -> str:
        if "words" in before:
            return "words"
        return "json" if "json" in after else "a + b" if self._right else "a - b"

    def ask(self, question: str) -> str:
        return "It is Paris."


def list_verdicts(checks: list[Check]) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in checks}


def find_check(name: str, checks: list[Check]) -> Check:
    return next(check for check in checks if check.name == name)


def test_a_model_with_right_answers_passes() -> None:
    checks = list(check_model(FakeModel(right=True)))

    assert list_verdicts(checks) == dict.fromkeys(
        (
            "loading",
            "memory",
            "FIM tokens",
            "end tokens",
            "chat template",
            "self-test sum",
            "self-test loop",
            "self-test import",
            "self-test chat",
        ),
        Verdict.OK,
    )


def test_a_wrong_answer_is_a_failure_with_a_next_step() -> None:
    check = find_check("self-test sum", list(check_model(FakeModel(right=False))))

    assert check.verdict is Verdict.BROKEN
    assert check.detail.startswith("a wrong answer: 'a - b' in ")
    assert check.next == "Is the file complete? Choose another model: copilotd models list"


def test_a_feature_that_the_model_lacks_is_noted_and_not_tested() -> None:
    bare = msgspec.structs.replace(FAKE_MODEL, fim=FimTokens(), chat_template=None, end_tokens=[])

    checks = list(check_model(FakeModel(right=True, info=bare)))

    noted = {name for name, verdict in list_verdicts(checks).items() if verdict is Verdict.NOTE}
    assert noted == {"FIM tokens", "end tokens", "chat template"}
    assert [check.name for check in checks if check.name.startswith("self")] == ["self-test chat"]


def test_a_model_larger_than_the_memory_is_a_failure() -> None:
    huge = msgspec.structs.replace(FAKE_MODEL, size=psutil.virtual_memory().total + 1)

    check = find_check("memory", list(check_model(FakeModel(right=True, info=huge))))

    assert (check.verdict, check.next) == (
        Verdict.BROKEN,
        "Choose a smaller model: copilotd models list",
    )


def test_a_second_model_is_tested_with_its_own_template() -> None:
    base = msgspec.structs.replace(FAKE_MODEL, chat_template=None)
    talker = msgspec.structs.replace(FAKE_MODEL, description="a talker", load_ms=1500.0)

    checks = list(check_model(FakeModel(right=True, info=base, chat=talker)))

    assert find_check("chat loading", checks) == Check(
        "chat loading", Verdict.OK, "a talker, in 1.5 s"
    )
    assert find_check("chat template", checks).verdict is Verdict.OK


def test_a_second_model_that_does_not_load_is_a_failure_and_the_first_is_still_tested() -> None:
    class SingleFakeModel(FakeModel):
        def chat_info(self) -> ModelInfo | None:
            raise EngineLoadFailed("talker does not fit", "Choose a smaller model.")

    checks = list(check_model(SingleFakeModel(right=True)))

    assert checks[-1] == Check(
        "chat loading", Verdict.BROKEN, "talker does not fit", "Choose a smaller model."
    )
    assert find_check("self-test sum", checks).verdict is Verdict.OK


def test_a_model_that_does_not_load_is_not_tested_further() -> None:
    class BrokenModel(FakeModel):
        def info(self) -> ModelInfo:
            raise EngineLoadFailed("not enough memory", "Choose a smaller model.")

    assert list(check_model(BrokenModel(right=True))) == [
        Check("loading", Verdict.BROKEN, "not enough memory", "Choose a smaller model.")
    ]


def test_a_model_that_dies_during_a_test_is_a_failure() -> None:
    class DyingModel(FakeModel):
        def ask(self, question: str) -> str:
            raise EngineDied("the worker ended")

    check = find_check("self-test chat", list(check_model(DyingModel(right=True))))

    assert check == Check("self-test chat", Verdict.BROKEN, "the worker ended", "copilotd logs")


def test_the_build_check_lists_its_features() -> None:
    assert Build("0.3.36", SYSTEM, gpu=False).features == ["SSE3", "AVX2", "OPENMP", "REPACK"]


@pytest.mark.parametrize(
    ("module", "detail"),
    [
        ("raise ImportError('no libllama.so')", "cannot be imported: ImportError: no libllama.so"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
            "cannot be imported: its import was ended by signal 4: built for another processor",
        ),
    ],
)
def test_a_llama_cpp_that_does_not_import_is_explained_with_ways_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, detail: str
) -> None:
    (tmp_path / "llama_cpp.py").write_text(module)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    found = probe()

    assert isinstance(found, Check)
    assert (found.verdict, found.detail) == (Verdict.BROKEN, detail)
    for way in ("whl/cpu", "-DGGML_METAL=on", "-DGGML_CUDA=on", "-DGGML_VULKAN=on", "compiler"):
        assert way in found.next


def test_a_build_that_leaves_the_processor_unused_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "probe", lambda: Build("0.3.36", SYSTEM, gpu=False))
    monkeypatch.setattr(build, "_cpu_flags", lambda: {"AVX2", "AVX512"})
    monkeypatch.setattr("shutil.which", lambda tool: tool if tool == "nvidia-smi" else None)

    checks = list(check_build())

    assert find_check("CPU", checks).detail == (
        "built without AVX512, which this processor has: slower than needed"
    )
    assert find_check("GPU", checks).detail == "not used, although nvidia-smi is installed"
    assert "-DGGML_CUDA=on" in find_check("GPU", checks).next


def test_a_port_in_use_is_a_failure_that_names_the_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        check = check_port(ServerSection(port=taken.getsockname()[1]), None)

    assert check.verdict is Verdict.BROKEN
    assert f"(pid {os.getpid()})" in check.detail


@pytest.mark.parametrize(
    ("settings", "verdict", "detail"),
    [
        (ServerSection(), Verdict.OK, "127.0.0.1: any program on this machine that asks"),
        (
            ServerSection(require_token="on"),
            Verdict.OK,
            "127.0.0.1: any program on this machine that sends the token",
        ),
        (
            ServerSection(host="0.0.0.0"),
            Verdict.NOTE,
            "0.0.0.0: anyone who can reach it and sends the token",
        ),
        (
            ServerSection(host="0.0.0.0", require_token="off-everywhere"),
            Verdict.NOTE,
            "0.0.0.0: ANYONE who can reach it, without a token",
        ),
        (
            ServerSection(host="0.0.0.0", require_token="off"),
            Verdict.BROKEN,
            "no start on 0.0.0.0, because server.require_token is off",
        ),
    ],
)
def test_the_http_check_says_who_can_use_the_api(
    settings: ServerSection, verdict: Verdict, detail: str
) -> None:
    check = check_reach(settings)

    assert (check.name, check.verdict, check.detail) == ("network", verdict, detail)


def test_editors_are_found_on_the_path_with_their_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, says in {
        "nvim": "NVIM v0.11.4\nBuild: x",
        "hx": "helix 25.7 (abc)",
        "zed": "",
    }.items():
        (tmp_path / name).write_text(f"#!{sys.executable}\nprint({says!r})\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert check_editors() == Check("editors", Verdict.OK, "Neovim 0.11.4, Helix 25.7, Zed")


def test_a_missing_editor_is_noted_with_what_an_editor_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda command: None)

    assert check_editors() == Check(
        "editors",
        Verdict.NOTE,
        "none found on the PATH",
        "Point any editor that speaks LSP at: copilotd lsp",
    )


def test_the_doctor_asks_the_running_daemon_and_fails_for_broken_parts(home: Home) -> None:
    running = home.launch()
    file = home.write_settings("[completion]\nmax_lines = 0\n")

    done = home.run("doctor")

    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert f"ok      daemon            pid {running.pid}, {running.url}" in lines
    assert "ok      FIM tokens        prefix 2000000, suffix 1999999, middle 1999998" in lines
    at = lines.index(
        f"BROKEN  settings          completion.max_lines (from {file}): Input should be greater "
        "than or equal to 1; got 0"
    )
    assert lines[at + 1] == "        next: Allowed: a whole number, at least 1."
    assert any(line.startswith("ok      self-test sum     'a + b' in ") for line in lines)
    assert any(
        line.startswith("BROKEN  self-test loop    a wrong answer: 'a + b'") for line in lines
    )


def test_the_doctor_without_daemon_or_model_says_how_to_get_one(home: Home) -> None:
    name = "qwen2.5-coder-0.5b-instruct"

    done = home.run("doctor", "--json", COPILOTD_MODEL__NAME=name, COPILOTD_SERVER__PORT="0")

    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 1
    assert checks["daemon"]["detail"] == "none is running; copilotd start starts one"
    assert checks["model"] == {
        "name": "model",
        "verdict": "broken",
        "detail": f"{name} is not on this machine",
        "next": f"copilotd start downloads it; so does copilotd models pull {name}",
    }


def test_the_doctor_checks_every_file_that_the_settings_name(home: Home) -> None:
    home.write_settings(
        "[model]\nname = 'a.gguf'\ndraft = 'tiny.gguf'\n[server]\nport = 0\n"
        "[chat]\nmodel = 'b.gguf'\ndraft = 'small.gguf'\nmmproj = 'eye.gguf'\n"
        "[embedding]\nmodel = 'c.gguf'\n"
    )

    done = home.run("doctor", "--json")

    checks = {check["name"]: check["detail"] for check in json.loads(done.stdout)}
    assert {name: checks[name] for name in _FILES} == {
        name: f"{file} is not on this machine" for name, file in _FILES.items()
    }


_FILES = {
    "model": "a.gguf",
    "draft model": "tiny.gguf",
    "chat model": "b.gguf",
    "chat draft model": "small.gguf",
    "projector": "eye.gguf",
    "embedding model": "c.gguf",
}


def test_images_that_could_not_be_read_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    section = ChatSection(mmproj="eye.gguf")
    assert list(check_images(section)) == list(check_images(ChatSection())) == []

    monkeypatch.setattr(model, "find_spec", lambda name: None)

    assert list(check_images(ChatSection())) == []
    assert [check.next for check in check_images(section)] == ["pip install 'copilotd[vision]'"]


URL = "http://127.0.0.1:1"
SENT = f"code and conversations are sent to {URL}"
STAY = 'engine.kind = "local" keeps them on this machine'


@pytest.mark.parametrize("fallback", [True, False])
def test_a_server_that_does_not_answer_is_a_failure_unless_the_local_model_does(
    fallback: bool,
) -> None:
    privacy, server = check_upstream(UpstreamSection(url=URL, fallback=fallback))

    assert privacy == Check("privacy", Verdict.NOTE, SENT, STAY)
    assert server.verdict is (Verdict.NOTE if fallback else Verdict.BROKEN)
    assert server.detail.startswith(f"nothing answers at {URL}: ")
    assert server.detail.endswith("; the local model answers") is fallback
    assert server.next == "Is it running, and is upstream.url right? Run copilotd doctor."


def test_code_that_would_be_sent_unencrypted_is_noted() -> None:
    privacy, server = check_upstream(UpstreamSection(url="http://a.invalid", timeout_s=0.5))

    assert privacy.detail.endswith("are sent to http://a.invalid, and not encrypted")
    assert privacy.next == f"Use https; {STAY}"
    assert server.verdict is Verdict.NOTE


def test_a_missing_upstream_url_is_a_failure() -> None:
    _, server = check_upstream(UpstreamSection())

    assert (server.verdict, server.next) == (
        Verdict.BROKEN,
        "copilotd config set upstream.url http://HOST:PORT",
    )
