"""OpenAI's own client at /v1/responses."""

import re
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import ResponseInputParam, ResponseStreamEvent
from pydantic import TypeAdapter

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk
from copilotd.errors import EngineDied
from tests.http.fake_engines import ScriptedEngine
from tests.http.http_server import RunningServer, run_server
from tests.http.openai.responses import ARGUMENTS, CALL, PARAMETERS, PATH, WEATHER
from tests.http.openai.test_openai_client import client_of


@pytest.fixture
async def client(paris: RunningServer) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(paris) as client:
        yield client


async def test_openais_client_gets_an_answer(client: AsyncOpenAI) -> None:
    response = await client.responses.create(model="any", input="Hi", instructions="Be kind.")

    assert response.output_text == "Paris"
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.output_tokens == 5


async def test_openais_client_assembles_a_stream(client: AsyncOpenAI) -> None:
    pieces: list[str] = []
    async with client.responses.stream(model="any", input="Hi") as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                pieces.append(event.delta)
        response = await stream.get_final_response()

    assert pieces == list("Paris")
    assert response.output_text == "Paris"


async def test_every_event_is_one_that_openais_client_knows() -> None:
    engine = FakeEngine(f"I look.\n{CALL}")
    body = {"input": "Hi", "tools": [WEATHER], "stream": True}
    async with run_server(engine) as server:
        response = await server.post(PATH, body)

    event_type: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    data = re.findall(r"^data: (.*)$", response.text, re.MULTILINE)
    events = [event_type.validate_json(one, strict=True) for one in data]
    assert len({event.type for event in events}) == 11


async def test_openais_client_makes_a_round_trip_with_a_function() -> None:
    engine = FakeEngine(lambda prompt: "It is warm." if "20 C" in prompt else CALL)
    tool = openai.types.responses.FunctionToolParam(
        type="function", name="weather", parameters={**PARAMETERS}, strict=True
    )
    history: ResponseInputParam = [{"role": "user", "content": "Weather?"}]
    async with run_server(engine) as server, client_of(server) as client:
        first = await client.responses.create(model="any", input=history, tools=[tool])
        [tool_call] = first.output
        assert tool_call.type == "function_call"
        assert (tool_call.name, tool_call.arguments) == ("weather", ARGUMENTS)
        sent: Any = tool_call.model_dump(exclude_none=True)
        result: Any = {
            "type": "function_call_output",
            "call_id": tool_call.call_id,
            "output": "20 C",
        }
        history += [sent, result]
        second = await client.responses.create(model="any", input=history, tools=[tool])

    assert second.output_text == "It is warm."


async def test_openais_client_raises_on_an_invalid_request(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.responses.create(model="any", input="Hi", previous_response_id="resp_1")

    assert caught.value.param == "previous_response_id"


async def test_openais_client_gets_a_failure_in_the_middle_of_a_stream() -> None:
    engine = ScriptedEngine(Chunk("Pa"), EngineDied("the worker ended"))
    async with run_server(engine) as server, client_of(server) as client:
        stream = await client.responses.create(model="any", input="Hi", stream=True)
        events = [event async for event in stream]

    last = events[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.message == "the worker ended."
