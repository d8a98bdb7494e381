"""One model for completions and another for chat."""

import logging

import msgspec
import pytest

from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import EngineState, ModelInfo, Phase
from copilotd.errors import EngineLoadFailed
from copilotd.serving.status import DaemonStatus
from tests.daemon.temp_user import Home
from tests.daemon.test_daemon import build_daemon, run_daemon

HOLE = {"path": "a.py", "text": "def add(a, b): return ", "offset": 22}
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
CHAT_MODEL = msgspec.structs.replace(FAKE_MODEL, name="talker")


class ChatEngine(FakeEngine):
    """A fake engine that is stopped until it is first used; it counts its loads."""

    def __init__(self) -> None:
        super().__init__("Hello.", info=CHAT_MODEL)
        self.set_state(EngineState(Phase.STOPPED))
        self.loads = 0
        self.is_closed = False

    async def info(self) -> ModelInfo:
        if self.state.phase is Phase.STOPPED:
            self.loads += 1
            self.set_state(EngineState(Phase.READY, "talker is loaded"))
        return await super().info()

    async def close(self) -> None:
        self.is_closed = True


async def test_completions_and_chat_go_to_their_own_models(home: Home) -> None:
    completion_engine, chat_engine = FakeEngine("a + b"), ChatEngine()
    daemon = build_daemon(home, completion_engine, chat_engine, chat={"model": "talker"})
    async with run_daemon(home, daemon) as client:
        completion = (await client.post("/admin/complete", json=HOLE)).json()
        answer = (await client.post("/v1/chat/completions", json=HELLO)).json()

    assert completion["completion"]["text"] == "a + b"
    assert (answer["model"], answer["choices"][0]["message"]["content"]) == ("talker", "Hello.")
    assert (len(completion_engine.requests), len(chat_engine.requests)) == (1, 1)


async def test_the_chat_model_is_loaded_with_the_first_chat(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "copilotd")
    chat_engine = ChatEngine()
    async with run_daemon(home, build_daemon(home, FakeEngine("a + b"), chat_engine)) as client:
        await client.post("/admin/complete", json=HOLE)
        assert chat_engine.loads == 0

        await client.post("/v1/chat/completions", json=HELLO)
        assert chat_engine.loads == 1

    assert "chat engine ready: talker is loaded" in caplog.messages


async def test_the_status_describes_both_models(home: Home) -> None:
    daemon = build_daemon(
        home, FakeEngine(), ChatEngine(), chat={"model": "hf:me/it/talker-q4.gguf"}
    )
    async with run_daemon(home, daemon) as client:
        before = msgspec.json.decode((await client.get("/admin/status")).content, type=DaemonStatus)
        await client.post("/v1/chat/completions", json=HELLO)
        after = msgspec.json.decode((await client.get("/admin/status")).content, type=DaemonStatus)

    assert before.chat is not None and after.chat is not None
    assert (before.chat.alias, before.chat.model) == ("talker-q4", None)
    assert before.chat.state == EngineState(Phase.STOPPED)
    assert (after.chat.alias, after.chat.model) == ("talker", CHAT_MODEL)
    assert (after.chat.engine.requests, after.engine.requests) == (1, 0)


async def test_a_chat_model_that_cannot_be_loaded_makes_only_chat_fail(
    home: Home,
) -> None:
    class UnloadableEngine(ChatEngine):
        async def info(self) -> ModelInfo:
            raise EngineLoadFailed("talker does not fit beside writer", "Choose a smaller one.")

    completion_engine = FakeEngine("a + b")
    async with run_daemon(
        home, build_daemon(home, completion_engine, UnloadableEngine())
    ) as client:
        answer = await client.post("/v1/chat/completions", json=HELLO)
        completion = await client.post("/admin/complete", json=HOLE)

    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "message": "talker does not fit beside writer. Choose a smaller one.",
        "type": "server_error",
        "param": None,
        "code": "engine_load_failed",
    }
    assert completion.json()["status"] == "shown"
    assert len(completion_engine.requests) == 1


async def test_both_engines_are_closed_when_the_daemon_ends(home: Home) -> None:
    class CompletionEngine(FakeEngine):
        is_closed = False

        async def close(self) -> None:
            self.is_closed = True

    completion_engine, chat_engine = CompletionEngine(), ChatEngine()
    async with run_daemon(home, build_daemon(home, completion_engine, chat_engine)):
        pass

    assert (completion_engine.is_closed, chat_engine.is_closed) == (True, True)


async def test_the_chat_model_makes_embeddings_if_the_settings_name_it_for_them(home: Home) -> None:
    both: dict[str, object] = {"model": "talker"}
    async with run_daemon(
        home, build_daemon(home, FakeEngine(), ChatEngine(), chat=both, embedding=both)
    ) as client:
        made = (await client.post("/v1/embeddings", json={"input": "a"})).json()
    assert made["model"] == "talker"
