"""What the daemon reports about its upstream server, and which model answers."""

import logging
from functools import partial

import httpx2
import msgspec
import pytest

from copilotd.cli.commands.status import _rows
from copilotd.config import load
from copilotd.daemon import Daemon, LaunchOptions
from copilotd.engine.fake import FakeEngine
from copilotd.engine.fallback import FallbackEngine
from copilotd.engine.types import UpstreamStatus
from copilotd.serving.engines import EnginePool
from copilotd.serving.status import DaemonStatus
from tests.daemon.temp_user import Home
from tests.daemon.test_daemon import ON_A_FREE_PORT, run_daemon, wait_until
from tests.engine.upstream.fake_upstream import chat_events, upstream_engine, vllm

QUESTION = {"messages": [{"role": "user", "content": "Where?"}], "max_tokens": 9}


async def fetch_status(client: httpx2.AsyncClient) -> DaemonStatus:
    answer = await client.get("/admin/status")
    return msgspec.json.decode(answer.content, type=DaemonStatus)


async def post_question(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.post("/v1/chat/completions", json=QUESTION)


async def test_the_status_says_where_code_is_sent_and_which_model_answers(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = vllm(*chat_events("There."))
    read = partial(load, home.paths.user_settings, None, ON_A_FREE_PORT)
    origin = LaunchOptions(read, (home.paths.user_settings,))
    async with upstream_engine(server) as upstream:
        engine = FallbackEngine(upstream, FakeEngine("Here."))
        daemon = Daemon(home.paths, read(), EnginePool(engine, upstream=upstream), origin)
        async with run_daemon(home, daemon) as client:
            await wait_until(lambda: upstream.status().answers)
            there, up = await post_question(client), await fetch_status(client)
            await server.stop()
            failed = await post_question(client)
            here, down = await post_question(client), await fetch_status(client)
            await server.start()

    answers = [reply.json()["choices"][0]["message"]["content"] for reply in (there, here)]
    assert answers == ["There.", "Here."]
    name = "Qwen2.5-Coder-7B"
    assert up.upstream == UpstreamStatus(server.url, name, True, f"{name} at {server.url} answers")
    assert (there.json()["model"], here.json()["model"]) == (name, "fake")
    assert (failed.status_code, failed.headers["Retry-After"]) == (503, "5")
    assert failed.json()["error"]["code"] == "upstream_failed"
    assert f"code and conversations are sent to {server.url}" in caplog.messages

    rows = dict(_rows(up))
    assert rows["engine"] == f"ready: {name} at {server.url} answers"
    assert rows["model"] == f"{name}, elsewhere, context 4096 tokens"
    assert rows["upstream"] == f"code and conversations are sent to {server.url}"
    rows = dict(_rows(down))
    assert rows["engine"].startswith(
        f"ready: the local model answers: nothing answers at {server.url}"
    )
    assert rows["upstream"].startswith(
        f"code and conversations are sent to {server.url}, which does not answer: nothing answers"
    )
