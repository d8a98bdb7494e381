from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk
from copilotd.errors import EngineBusy, EngineDied
from tests.http.anthropic.messages import CALL, PROMPT, WEATHER
from tests.http.fake_engines import ScriptedEngine
from tests.http.http_server import RunningServer, run_server

HI: Any = [{"role": "user", "content": "Hi"}]
TOOLS: Any = [WEATHER]


def client_of(server: RunningServer) -> AsyncAnthropic:
    """Anthropic's own client, without retries."""
    return AsyncAnthropic(base_url=server.url, api_key="any", max_retries=0)


@pytest.fixture
async def client(paris: RunningServer) -> AsyncIterator[AsyncAnthropic]:
    async with client_of(paris) as client:
        yield client


async def test_a_message(client: AsyncAnthropic) -> None:
    message = await client.messages.create(model="any", max_tokens=9, messages=HI)

    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "Paris"}]
    assert (message.model, message.stop_reason) == ("any", "end_turn")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (len(PROMPT), 5)


async def test_a_streamed_message(client: AsyncAnthropic) -> None:
    async with client.messages.stream(model="any", max_tokens=3, messages=HI) as stream:
        pieces = [piece async for piece in stream.text_stream]
        message = await stream.get_final_message()

    assert pieces == ["P", "a", "r"]
    assert message.stop_reason == "max_tokens"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (len(PROMPT), 3)


async def test_a_call_and_its_result() -> None:
    engine = FakeEngine(lambda prompt: "Warm." if "20 C" in prompt else f"I look. {CALL}")
    async with run_server(engine) as server, client_of(server) as client:
        called = await client.messages.create(model="any", max_tokens=99, messages=HI, tools=TOOLS)
        call = called.content[-1]
        assert isinstance(call, anthropic.types.ToolUseBlock)
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "20 C"}
        conversation: Any = [
            *HI,
            {"role": "assistant", "content": called.content},
            {"role": "user", "content": [result]},
        ]
        answer = await client.messages.create(
            model="any", max_tokens=99, messages=conversation, tools=TOOLS
        )

    assert (call.name, call.input, called.stop_reason) == (
        "weather",
        {"city": "Oslo"},
        "tool_use",
    )
    assert [block.to_dict() for block in answer.content] == [{"type": "text", "text": "Warm."}]


async def test_a_streamed_call() -> None:
    async with run_server(FakeEngine(CALL)) as server, client_of(server) as client:
        async with client.messages.stream(
            model="any", max_tokens=99, messages=HI, tools=TOOLS
        ) as stream:
            message = await stream.get_final_message()

    [call] = message.content
    assert isinstance(call, anthropic.types.ToolUseBlock)
    assert (call.name, call.input) == ("weather", {"city": "Oslo"})
    assert message.stop_reason == "tool_use"


async def test_tokens_are_counted(client: AsyncAnthropic) -> None:
    count = await client.messages.count_tokens(model="any", messages=HI)

    assert count.input_tokens == len(PROMPT)


async def test_an_invalid_request_is_a_bad_request_error(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        await client.messages.create(model="any", max_tokens=0, messages=HI)


async def test_a_busy_engine_is_an_error_that_the_client_would_retry() -> None:
    async with (
        run_server(ScriptedEngine(EngineBusy("64 wait"))) as server,
        client_of(server) as client,
    ):
        with pytest.raises(anthropic.InternalServerError) as caught:
            await client.messages.create(model="any", max_tokens=9, messages=HI)

    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "1"


async def test_a_failure_in_the_middle_of_a_stream_is_raised() -> None:
    engine = ScriptedEngine(Chunk("Pa"), EngineDied("the worker ended"))
    texts: list[str] = []
    async with run_server(engine) as server, client_of(server) as client:
        async with client.messages.stream(model="any", max_tokens=9, messages=HI) as stream:
            with pytest.raises(anthropic.APIStatusError, match=r"the worker ended\."):
                async for text in stream.text_stream:
                    texts.append(text)

    assert texts == ["Pa"]
