"""Two workers with real models, one for completions and one for chat."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.models.tiny_gguf import METADATA, write_gguf

pytestmark = pytest.mark.model

HOLE = {"prompt": "def add(a, b):\n    return ", "suffix": "\n", "max_tokens": 8, "temperature": 0}
CAPITAL = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}


@pytest.fixture(scope="module")
def daemon(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon with the test model under two names, so that it counts as two models."""
    talker = tmp_path_factory.mktemp("models") / "talker.gguf"
    talker.symlink_to(model_path)
    with run_daemon(model_path, CHAT__MODEL=str(talker)) as running:
        yield running


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=daemon.url, timeout=120, trust_env=False) as client:
        yield client


def fetch_status(daemon: RunningDaemon) -> Any:
    # The status command takes seconds to start on a busy machine. Meanwhile a model that must stay
    # loaded would become idle.
    return httpx2.get(f"{daemon.url}/admin/status", timeout=120, trust_env=False).json()


def list_workers(daemon: RunningDaemon) -> list[int]:
    children = psutil.Process(daemon.pid).children(recursive=True)
    return sorted(c.pid for c in children if "copilotd.engine.worker.main" in c.cmdline())


def test_completions_and_chat_have_separate_workers(
    daemon: RunningDaemon, client: httpx2.Client
) -> None:
    assert fetch_status(daemon)["chat"]["state"]["phase"] == "stopped"
    assert len(list_workers(daemon)) == 1

    written = client.post("/v1/completions", json=HOLE).json()
    answer = client.post("/v1/chat/completions", json=CAPITAL).json()

    now = fetch_status(daemon)
    assert written["choices"][0]["text"].lstrip().startswith("a + b")
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert (now["alias"], now["chat"]["alias"]) == (written["model"], "talker")
    assert sorted([now["engine"]["pid"], now["chat"]["engine"]["pid"]]) == list_workers(daemon)


def test_only_the_idle_model_is_unloaded(model_path: Path, tmp_path: Path) -> None:
    talker = tmp_path / "talker.gguf"
    talker.symlink_to(model_path)
    options = {"CHAT__MODEL": str(talker), "ENGINE__IDLE_MINUTES": "0.1"}
    with run_daemon(model_path, **options) as daemon, httpx2.Client(timeout=120) as client:
        client.post(f"{daemon.url}/v1/chat/completions", json=CAPITAL | {"max_tokens": 1})
        assert fetch_status(daemon)["chat"]["state"]["phase"] == "ready"
        # While the second model was loaded, the first may have been idle for too long itself.
        client.post(f"{daemon.url}/v1/completions", json=HOLE)
        before = fetch_status(daemon)

        deadline = time.monotonic() + 60
        while (now := fetch_status(daemon))["chat"]["state"]["phase"] == "ready":
            assert time.monotonic() < deadline
            client.post(f"{daemon.url}/v1/completions", json=HOLE)

        assert now["chat"]["state"]["detail"] == "unloaded after 0.1 idle minutes"
        assert (now["chat"]["alias"], now["chat"]["engine"]["rss"]) == ("talker", 0)
        assert (now["state"]["phase"], now["engine"]["pid"]) == ("ready", before["engine"]["pid"])


def test_a_chat_model_that_does_not_fit_is_refused_and_completions_go_on(
    model_path: Path, tmp_path: Path
) -> None:
    layers: dict[str, object] = {"qwen2.block_count": 10**6, "qwen2.attention.head_count": 4}
    huge = write_gguf(tmp_path / "huge.gguf", METADATA | layers)
    with run_daemon(model_path, CHAT__MODEL=str(huge)) as daemon:
        client = httpx2.Client(base_url=daemon.url, timeout=120, trust_env=False)
        with client:
            answer = client.post("/v1/chat/completions", json=CAPITAL)
            written = client.post("/v1/completions", json=HOLE)
        message = answer.json()["error"]["message"]
        shown = fetch_status(daemon)

    name = shown["model"]["name"]
    assert answer.status_code == 500
    assert message.startswith("huge needs 1048.7 GB (file 0.0 GB, KV cache 1048.6 GB)")
    assert f" beside {name}, which is loaded (0.5 GB), and " in message
    assert message.endswith('if these are "", model.name is used for them too.')
    assert written.status_code == 200
    assert shown["state"]["phase"] == "ready"
    assert shown["chat"]["state"]["phase"] == "failed"
