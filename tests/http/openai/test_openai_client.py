from collections.abc import AsyncIterator

import httpx2
import openai
import pytest
from openai import AsyncOpenAI

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk
from copilotd.errors import EngineBusy, EngineDied
from tests.http.fake_engines import ScriptedEngine
from tests.http.http_server import RunningServer, run_server

HI = [openai.types.chat.ChatCompletionUserMessageParam(role="user", content="Hi")]


def client_of(server: RunningServer) -> AsyncOpenAI:
    """OpenAI's own client, without retries."""
    return AsyncOpenAI(
        base_url=f"{server.url}/v1",
        api_key="any",
        max_retries=0,
        http_client=httpx2.AsyncClient(trust_env=False),
    )


@pytest.fixture
async def client(paris: RunningServer) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(paris) as client:
        yield client


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["local"]


async def test_a_completion_with_a_suffix(client: AsyncOpenAI, paris: RunningServer) -> None:
    answer = await client.completions.create(model="any", prompt="a", suffix="b", max_tokens=9)

    assert answer.choices[0].text == "Paris"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10
    assert await paris.engine.detokenize(paris.engine.requests[0].prompt) == "<PRE>a<SUF>b<MID>"


async def test_a_streamed_completion(client: AsyncOpenAI) -> None:
    stream = await client.completions.create(
        model="any", prompt="a", stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    assert "".join(c.choices[0].text for c in chunks if c.choices) == "Paris"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5


async def test_a_chat(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="any", messages=HI)

    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == "Paris"


async def test_a_streamed_chat(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="any", messages=HI, stream=True, n=2)
    texts = {0: "", 1: ""}
    async for chunk in stream:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""

    assert texts == {0: "Paris", 1: "Paris"}


async def test_embeddings_in_base64(client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="any", input=["a", "bc"])

    vectors = [item.embedding for item in answer.data]
    assert vectors == [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]


async def test_an_invalid_request_is_a_bad_request_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.completions.create(model="any", prompt="a", n=0)

    assert caught.value.param == "n"
    assert caught.value.code == "invalid_value"


async def test_an_unknown_path_is_a_not_found_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.files.list()


async def test_a_prompt_that_is_too_long_has_the_code_that_clients_expect() -> None:
    async with run_server(FakeEngine()) as server, client_of(server) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.completions.create(model="any", prompt="a" * 5000)

    assert caught.value.code == "context_length_exceeded"


async def test_a_busy_engine_is_an_error_that_the_client_would_retry() -> None:
    async with (
        run_server(ScriptedEngine(EngineBusy("64 wait"))) as server,
        client_of(server) as client,
    ):
        with pytest.raises(openai.InternalServerError) as caught:
            await client.completions.create(model="any", prompt="a")

    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "1"


async def test_a_failure_in_the_middle_of_a_stream_is_raised() -> None:
    engine = ScriptedEngine(Chunk("Pa"), EngineDied("the worker ended"))
    texts: list[str] = []
    async with run_server(engine) as server, client_of(server) as client:
        stream = await client.completions.create(model="any", prompt="a", stream=True)
        with pytest.raises(openai.APIError, match=r"^the worker ended\.$"):
            async for chunk in stream:
                texts.append(chunk.choices[0].text)

    assert texts == ["Pa"]
