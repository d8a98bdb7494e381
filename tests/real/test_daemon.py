"""The whole daemon with the real model, as its clients use it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon
from tests.lsp.raw_client import INLINE, RawClient, completion_params

pytestmark = pytest.mark.model

COUNTING = "# Count to ten thousand\n1, 2, 3, 4, 5, 6,"
ADD = "def add(a, b):\n    return \n"
INVOKED = 1
"""The trigger kind of an explicit request, which gets the whole completion.

While typing, a slow machine shows only its beginning first.
"""


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path, "--model-alias", "local-copilot") as running:
        yield running


@pytest.fixture
async def http(daemon: RunningDaemon) -> AsyncGenerator[httpx2.AsyncClient, None]:
    async with httpx2.AsyncClient(base_url=daemon.url, timeout=60) as client:
        yield client


def list_workers(daemon: RunningDaemon) -> list[psutil.Process]:
    children = psutil.Process(daemon.pid).children(recursive=True)
    return [child for child in children if "copilotd.engine.worker.main" in child.cmdline()]


async def post(http: httpx2.AsyncClient, path: str, body: object) -> Any:
    """Post with the two headers of the curl examples and no further ones."""
    headers = {"accept": "application/json", "Content-Type": "application/json"}
    response = await http.post(path, content=json.dumps(body), headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_completion_without_a_model_name_is_answered(http: httpx2.AsyncClient) -> None:
    prompt = "\n\n### Instructions:\nWhat is the capital of France?\n\n### Response:\n"
    answer = await post(http, "/v1/completions", {"prompt": prompt, "stop": ["\n", "###"]})
    assert "Paris" in answer["choices"][0]["text"]
    assert answer["object"] == "text_completion"


async def test_a_chat_without_a_model_name_is_answered(http: httpx2.AsyncClient) -> None:
    messages = [
        {"content": "You are a helpful assistant.", "role": "system"},
        {"content": "What is the capital of France?", "role": "user"},
    ]
    answer = await post(http, "/v1/chat/completions", {"messages": messages})
    assert "Paris" in answer["choices"][0]["message"]["content"]


async def test_an_embedding_without_a_model_name_is_answered(http: httpx2.AsyncClient) -> None:
    answer = await post(
        http, "/v1/embeddings", {"input": "The food was delicious and the waiter..."}
    )
    assert len(answer["data"][0]["embedding"]) == 896


async def test_the_model_list_names_the_alias(http: httpx2.AsyncClient) -> None:
    models = (await http.get("/v1/models")).json()
    owner = models["data"][0]["owned_by"]
    entry = {"id": "local-copilot", "object": "model", "owned_by": owner, "permissions": []}
    assert models == {"object": "list", "data": [entry]}


async def test_a_request_with_a_suffix_is_completed_in_the_middle(http: httpx2.AsyncClient) -> None:
    body = {"prompt": "def add(a, b):\n    return ", "suffix": "\n", "stop": ["\n"]}
    answer = await post(http, "/v1/completions", {**body, "temperature": 0})
    assert answer["choices"][0]["text"].strip() == "a + b"


async def test_an_editor_gets_ghost_text(daemon: RunningDaemon) -> None:
    editor = await RawClient.connect(daemon.socket)
    await editor.initialize("editor")
    editor.open_file(ADD)
    items = await editor.request_ghost_text(1, 11, kind=INVOKED)
    assert [item["insertText"].strip().removeprefix("return ") for item in items] == ["a + b"]
    await editor.shut_down()


async def test_an_editor_gets_ghost_text_through_the_bridge(daemon: RunningDaemon) -> None:
    pipe = asyncio.subprocess.PIPE
    bridge = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "copilotd", "lsp", stdin=pipe, stdout=pipe, env=daemon.env
    )
    assert bridge.stdout is not None and bridge.stdin is not None
    editor = RawClient(bridge.stdout, bridge.stdin)
    await editor.initialize("editor")
    editor.open_file(ADD)
    assert await editor.request_ghost_text(1, 11, kind=INVOKED)
    await editor.shut_down()
    assert await asyncio.wait_for(bridge.wait(), 30) == 0


async def test_five_editors_and_twenty_http_clients_share_one_worker(
    daemon: RunningDaemon, http: httpx2.AsyncClient
) -> None:
    async def edit(number: int) -> bool:
        editor = await RawClient.connect(daemon.socket)
        await editor.initialize(f"editor {number}")
        editor.open_file(f"# file {number}\n{ADD}")
        try:
            async with asyncio.timeout(90):
                _, answered = editor.send_request(INLINE, completion_params(2, 11, kind=INVOKED))
                return bool((await answered)["result"]["items"])
        finally:
            await editor.shut_down()

    async def call(number: int) -> bool:
        body = {"prompt": f"numbers = [{number}, ", "max_tokens": 4}
        return bool((await post(http, "/v1/completions", body))["choices"][0]["text"])

    answers = await asyncio.gather(*map(edit, range(5)), *map(call, range(20)))
    assert answers == [True] * 25
    assert len(list_workers(daemon)) == 1


async def test_a_client_that_disconnects_frees_the_engine(http: httpx2.AsyncClient) -> None:
    body = {"prompt": COUNTING, "max_tokens": 2000, "temperature": 0, "stream": True}
    async with http.stream("POST", "/v1/completions", json=body) as response:
        lines = response.aiter_lines()
        await anext(lines)
        assert (await http.get("/admin/status")).json()["engine"]["running"] >= 1
    async with asyncio.timeout(30):
        while (await http.get("/admin/status")).json()["engine"]["running"]:
            pass


async def test_a_worker_killed_during_a_stream_fails_it_and_the_next_request_succeeds(
    daemon: RunningDaemon, http: httpx2.AsyncClient
) -> None:
    lines: list[str] = []
    body = {"prompt": COUNTING, "max_tokens": 2000, "temperature": 0, "stream": True}
    async with http.stream("POST", "/v1/completions", json=body) as response:
        async for line in response.aiter_lines():
            if not lines:
                os.kill(list_workers(daemon)[0].pid, signal.SIGKILL)
            lines += [line] if line else []
    error = json.loads(lines[-1].removeprefix("data: "))["error"]
    assert "killed by signal 9" in error["message"]
    answer = await post(http, "/v1/completions", {"prompt": "x =", "max_tokens": 2})
    assert answer["choices"][0]["text"]


def test_ghost_text_is_shown_in_the_terminal(daemon: RunningDaemon, tmp_path: Path) -> None:
    file = tmp_path / "add.py"
    file.write_text(ADD)
    env = {**daemon.env, "NO_COLOR": "1"}
    assert "    return a + b" in run_copilotd(env, "complete", f"{file}:2")


def test_the_model_chats_in_the_terminal(daemon: RunningDaemon) -> None:
    assert "Paris" in run_copilotd(daemon.env, "chat", "What is the capital of France?")


def test_the_status_reports_the_model_and_its_memory(daemon: RunningDaemon) -> None:
    status = json.loads(run_copilotd(daemon.env, "status", "--json"))
    assert (status["alias"], status["model"]["architecture"]) == ("local-copilot", "qwen2")
    assert status["engine"]["rss"] > 100_000_000 and status["engine"]["requests"] > 0
