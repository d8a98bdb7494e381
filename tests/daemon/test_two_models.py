"""A model for completions and another for chat."""

import logging

import msgspec
import pytest

from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import EngineState, ModelInfo, Phase
from copilotd.errors import EngineLoadFailed
from copilotd.serving.status import DaemonStatus
from tests.daemon.temp_user import Home
from tests.daemon.test_daemon import daemon_of, serving

HOLE = {"path": "a.py", "text": "def add(a, b): return ", "offset": 22}
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
TALKER = msgspec.structs.replace(FAKE_MODEL, name="talker")


class Talker(FakeEngine):
    """Counts its loads, is stopped until the first, and says when it was closed."""

    def __init__(self) -> None:
        super().__init__("Hello.", info=TALKER)
        self.set_state(EngineState(Phase.STOPPED))
        self.loads = 0
        self.ended = False

    async def info(self) -> ModelInfo:
        if self.state.phase is Phase.STOPPED:
            self.loads += 1
            self.set_state(EngineState(Phase.READY, "talker is loaded"))
        return await super().info()

    async def close(self) -> None:
        self.ended = True


async def test_completions_go_to_the_first_model_and_chat_to_the_second(home: Home) -> None:
    writer, talker = FakeEngine("a + b"), Talker()
    daemon = daemon_of(home, writer, talker, chat={"model": "talker"})
    async with serving(home, daemon) as client:
        shown = (await client.post("/admin/complete", json=HOLE)).json()
        said = (await client.post("/v1/chat/completions", json=HELLO)).json()

    assert shown["completion"]["text"] == "a + b"
    assert (said["model"], said["choices"][0]["message"]["content"]) == ("talker", "Hello.")
    assert (len(writer.requests), len(talker.requests)) == (1, 1)


async def test_the_second_model_is_loaded_when_somebody_chats(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "copilotd")
    talker = Talker()
    async with serving(home, daemon_of(home, FakeEngine("a + b"), talker)) as client:
        await client.post("/admin/complete", json=HOLE)
        assert talker.loads == 0

        await client.post("/v1/chat/completions", json=HELLO)
        assert talker.loads == 1

    assert "chat engine ready: talker is loaded" in caplog.messages


async def test_the_status_tells_of_both(home: Home) -> None:
    daemon = daemon_of(home, FakeEngine(), Talker(), chat={"model": "hf:me/it/talker-q4.gguf"})
    async with serving(home, daemon) as client:
        before = msgspec.json.decode((await client.get("/admin/status")).content, type=DaemonStatus)
        await client.post("/v1/chat/completions", json=HELLO)
        after = msgspec.json.decode((await client.get("/admin/status")).content, type=DaemonStatus)

    assert before.chat is not None and after.chat is not None
    assert (before.chat.alias, before.chat.model) == ("talker-q4", None)
    assert before.chat.state == EngineState(Phase.STOPPED)
    assert (after.chat.alias, after.chat.model) == ("talker", TALKER)
    assert (after.chat.engine.requests, after.engine.requests) == (1, 0)


async def test_a_second_model_that_cannot_be_loaded_fails_chat_and_nothing_else(
    home: Home,
) -> None:
    class Refused(Talker):
        async def info(self) -> ModelInfo:
            raise EngineLoadFailed("talker does not fit beside writer", "Choose a smaller one.")

    writer = FakeEngine("a + b")
    async with serving(home, daemon_of(home, writer, Refused())) as client:
        said = await client.post("/v1/chat/completions", json=HELLO)
        shown = await client.post("/admin/complete", json=HOLE)

    assert said.status_code == 500
    assert said.json()["error"] == {
        "message": "talker does not fit beside writer. Choose a smaller one.",
        "type": "server_error",
        "param": None,
        "code": "engine_load_failed",
    }
    assert shown.json()["status"] == "shown"
    assert len(writer.requests) == 1


async def test_both_are_closed_at_the_end(home: Home) -> None:
    class Writer(FakeEngine):
        ended = False

        async def close(self) -> None:
            self.ended = True

    writer, talker = Writer(), Talker()
    async with serving(home, daemon_of(home, writer, talker)):
        pass

    assert (writer.ended, talker.ended) == (True, True)


async def test_a_model_for_chat_that_is_named_for_embeddings_too_makes_them(home: Home) -> None:
    both: dict[str, object] = {"model": "talker"}
    async with serving(
        home, daemon_of(home, FakeEngine(), Talker(), chat=both, embedding=both)
    ) as client:
        made = (await client.post("/v1/embeddings", json={"input": "a"})).json()
    assert made["model"] == "talker"
