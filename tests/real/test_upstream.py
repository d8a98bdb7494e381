"""The daemon with a real llama-server as its upstream."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from benchmarks.peers import Peer, find_free_port, find_llama_server_path, run_llama_server
from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon
from copilotd.chat.service import ChatRequest, ChatService
from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionRequest, Trigger
from copilotd.config import ChatSection, CompletionSection, UpstreamSection
from copilotd.config.live import Live
from copilotd.documents import Document
from copilotd.engine.upstream.client import UpstreamEngine
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.openai import OpenAIApi
from copilotd.models.catalogue import load_catalogue
from copilotd.prompt.messages import UserMessage
from tests.cursor import get_completion
from tests.lsp.raw_client import INLINE, RawClient, completion_params
from tests.real.conftest import ANSWERED_AT_LENGTH

pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not find_llama_server_path().exists(),
        reason="no llama-server is built: python -m benchmarks.peers",
    ),
]

WITHIN_S = 180.0
"""For one answer, because other programs may use the cores."""

CODE = "def add(a, b):\n    retu\n\n\nprint(add(1, 2))\n"
HOLE = {"prompt": "def add(a, b):\n    return ", "suffix": "\n", "max_tokens": 6, "temperature": 0}
CAPITAL = {
    "messages": [{"role": "user", "content": "What is the capital of France? One word."}],
    "max_tokens": 8,
}
COUNTING = {
    "messages": [{"role": "user", "content": ANSWERED_AT_LENGTH}],
    "max_tokens": 1500,
    "stream": True,
}


class UpstreamServer:
    """A llama-server that can be killed, and started again on the same port."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._port = find_free_port()
        self._stack = ExitStack()
        self.peer: Peer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        server = run_llama_server(self._model, 2, "off", 4096, parallel=2, port=self._port)
        self.peer = self._stack.enter_context(server)

    def kill(self) -> None:
        assert self.peer is not None
        os.kill(self.peer.pid, signal.SIGKILL)
        self._stack.close()

    def close(self) -> None:
        self._stack.close()

    def is_busy(self) -> bool:
        slots = httpx2.get(f"{self.url}/slots", timeout=WITHIN_S, trust_env=False).json()
        return any(slot["is_processing"] for slot in slots)

    def count_generated_tokens(self) -> int:
        """The number of tokens generated so far."""
        metrics = httpx2.get(f"{self.url}/metrics", timeout=WITHIN_S, trust_env=False).text
        lines = dict(line.split(" ") for line in metrics.splitlines() if line[:1] != "#")
        return int(float(lines["llamacpp:tokens_predicted_total"]))


@pytest.fixture
def upstream_server(model_path: Path) -> Iterator[UpstreamServer]:
    server = UpstreamServer(model_path)
    server.start()
    yield server
    server.close()


def run_daemon_with_upstream(model: Path, server: UpstreamServer, **settings: str) -> Any:
    upstream = {"ENGINE__KIND": "upstream", "UPSTREAM__URL": server.url}
    return run_daemon(model, **upstream, **settings)


def post(daemon: RunningDaemon, path: str, body: Any) -> httpx2.Response:
    return httpx2.post(f"{daemon.url}{path}", json=body, timeout=WITHIN_S, trust_env=False)


def fetch_status(daemon: RunningDaemon) -> Any:
    return json.loads(run_copilotd(daemon.env, "status", "--json"))


def list_workers(daemon: RunningDaemon) -> list[int]:
    children = psutil.Process(daemon.pid).children(recursive=True)
    return [child.pid for child in children if "copilotd.engine.worker.main" in child.cmdline()]


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def request_ghost_text(daemon: RunningDaemon) -> list[str]:
    """Request ghost text after `retu`, and return the offered texts."""
    client = await RawClient.connect(daemon.socket)
    await client.initialize()
    client.open_file(CODE)
    params = completion_params(1, 8, kind=1)
    response = await asyncio.wait_for(client.send_request(INLINE, params)[1], WITHIN_S)
    await client.shut_down()
    return [item["insertText"] for item in response["result"]["items"]]


async def test_ghost_text_and_chat_come_from_the_upstream_without_a_local_model(
    model_path: Path, upstream_server: UpstreamServer
) -> None:
    with run_daemon_with_upstream(model_path, upstream_server, MODEL__AUTO_TUNE="false") as daemon:
        offered = await request_ghost_text(daemon)
        written = post(daemon, "/v1/completions", HOLE).json()
        answer = post(daemon, "/v1/chat/completions", CAPITAL).json()
        now, shown = fetch_status(daemon), run_copilotd(daemon.env, "status")
        processes = list_workers(daemon)
        diagnosis = run_copilotd(daemon.env, "doctor", "--json")

    checks = {check["name"]: check for check in json.loads(diagnosis)}
    assert offered == ["rn a + b"]
    assert written["choices"][0]["text"].lstrip().startswith("a + b")
    assert written["model"] == now["model"]["name"]
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert now["upstream"]["answers"]
    assert (now["engine"]["pid"], processes) == (None, [])
    assert f"upstream    code and conversations are sent to {upstream_server.url}\n" in shown
    assert (
        checks["privacy"]["detail"] == f"code and conversations are sent to {upstream_server.url}"
    )
    assert checks["upstream"]["verdict"] == checks["self-test sum"]["verdict"] == "ok"


def test_a_client_that_disconnects_frees_the_upstream(
    model_path: Path, upstream_server: UpstreamServer
) -> None:
    with run_daemon_with_upstream(model_path, upstream_server, MODEL__AUTO_TUNE="false") as daemon:
        url = f"{daemon.url}/v1/chat/completions"
        client = httpx2.Client(timeout=WITHIN_S, trust_env=False)
        with client, client.stream("POST", url, json=COUNTING) as response:
            lines = response.iter_lines()  # kept: dropped, it would hang up at once
            next(lines)
            wait_until(upstream_server.is_busy)
        wait_until(lambda: not upstream_server.is_busy())

        assert upstream_server.count_generated_tokens() < COUNTING["max_tokens"]  # type: ignore[operator]


async def test_the_local_model_answers_only_while_the_upstream_is_down(
    model_path: Path, upstream_server: UpstreamServer
) -> None:
    with run_daemon_with_upstream(model_path, upstream_server, MODEL__AUTO_TUNE="false") as daemon:
        assert await request_ghost_text(daemon) == ["rn a + b"]
        upstream_server.kill()
        # The first request after its death fails; a request in the background may be the first.
        answers = (post(daemon, "/v1/chat/completions", CAPITAL) for _ in range(2))
        answer = next(answer for answer in answers if answer.status_code == 200)
        offered = await request_ghost_text(daemon)
        down, processes = fetch_status(daemon), list_workers(daemon)

        upstream_server.start()
        wait_until(lambda: bool(fetch_status(daemon)["upstream"]["answers"]))
        before = upstream_server.count_generated_tokens()
        written = post(daemon, "/v1/completions", HOLE)
        up = fetch_status(daemon)
        after = upstream_server.count_generated_tokens()

    assert "Paris" in answer.json()["choices"][0]["message"]["content"]
    assert offered == ["rn a + b"]
    assert down["state"]["detail"].startswith("the local model answers: ")
    assert (down["upstream"]["answers"], len(processes)) == (False, 1)
    assert written.status_code == 200
    assert after > before
    assert up["state"]["detail"].endswith(f"at {upstream_server.url} answers")


def test_without_a_fallback_an_outage_is_reported_with_the_next_step(
    model_path: Path, upstream_server: UpstreamServer
) -> None:
    options = {"MODEL__AUTO_TUNE": "false", "UPSTREAM__FALLBACK": "false"}
    with run_daemon_with_upstream(model_path, upstream_server, **options) as daemon:
        upstream_server.kill()
        answers = [post(daemon, "/v1/completions", HOLE) for _ in range(2)]
        health = httpx2.get(f"{daemon.url}/health", trust_env=False)
        processes = list_workers(daemon)

    message = answers[1].json()["error"]["message"]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert message.startswith(f"nothing answers at {upstream_server.url}: ")
    assert message.endswith("Is it running, and is upstream.url right? Run copilotd doctor.")
    assert (health.status_code, health.json()["phase"], processes) == (503, "failed", [])


@pytest.fixture
async def openai_engine(upstream_server: UpstreamServer) -> AsyncGenerator[UpstreamEngine, None]:
    """An engine that uses the same server through OpenAI's API, as it would use vLLM."""
    server = HttpClient(UpstreamSection(url=upstream_server.url), "")
    probe = lambda: OpenAIApi.probe(server, load_catalogue(), "", "qwen2.5-coder")  # noqa: E731
    engine = UpstreamEngine(server, probe)
    yield engine
    await engine.close()


async def test_completion_and_chat_work_through_openais_api(openai_engine: UpstreamEngine) -> None:
    service = CompletionService(openai_engine, Live(CompletionSection(anticipate=False)))
    document = Document("file:///add.py", CODE, "python", 1, "add.py")
    request = CompletionRequest(document, CODE.index("retu") + 4, Trigger.INVOKED)
    outcome = await service.complete(request)
    question = ChatRequest((UserMessage("What is the capital of France?"),), max_tokens=8)
    async with aclosing(
        ChatService(openai_engine, Live(ChatSection())).stream_text(question)
    ) as pieces:
        answer = "".join([piece async for piece in pieces])

    assert get_completion(outcome).text == "rn a + b"
    assert "Paris" in answer
