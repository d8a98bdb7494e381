import json
from contextlib import AsyncExitStack
from typing import Any

import ollama
import pytest

from copilotd.engine.fake import FakeEngine
from tests.http.fake_engines import EndlessEngine
from tests.http.http_server import RunningServer, run_server
from tests.http.openai.test_tools import CALL, WEATHER

HI: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def plain(line: dict[str, Any]) -> dict[str, Any]:
    """The line without its times."""
    return {
        name: value
        for name, value in line.items()
        if not name.endswith(("_duration", "created_at"))
    }


def counted(prompt: int, answer: int) -> dict[str, int]:
    return {"prompt_eval_count": prompt, "eval_count": answer}


async def test_a_conversation_is_answered_line_by_line() -> None:
    async with run_server(FakeEngine("Hey")) as server:
        response = await server.post("/api/chat", HI)
    assert response.headers["content-type"] == "application/x-ndjson"
    pieces = [
        {"model": "any", "message": {"role": "assistant", "content": text}, "done": False}
        for text in "Hey"
    ]
    last = {
        "model": "any",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        **counted(len("<user>Hi</user><assistant>"), 3),
    }
    assert [plain(line) for line in lines(response.text)] == [*pieces, last]


@pytest.mark.parametrize("sent", [{}, {"content-type": "application/x-www-form-urlencoded"}])
async def test_a_body_is_parsed_as_json_whatever_its_content_type(sent: dict[str, str]) -> None:
    body = json.dumps(HI | {"stream": False})
    async with run_server(FakeEngine("Hey")) as server:
        response = await server.client.post("/api/chat", content=body, headers=sent)
    assert response.json()["message"]["content"] == "Hey"


async def test_without_stream_the_response_is_one_object() -> None:
    body = HI | {"stream": False, "options": {"num_predict": 2, "temperature": 0.5, "seed": 7}}
    async with run_server(FakeEngine("Hey")) as server:
        response = await server.post("/api/chat", body)
        request = server.engine.requests[0]
    assert plain(response.json()) == {
        "model": "any",
        "message": {"role": "assistant", "content": "He"},
        "done": True,
        "done_reason": "length",
        **counted(len("<user>Hi</user><assistant>"), 2),
    }
    assert (request.sampling.temperature, request.sampling.seed) == (0.5, 7)


async def test_a_call_has_its_arguments_as_an_object() -> None:
    async with run_server(FakeEngine(CALL)) as server:
        response = await server.post("/api/chat", HI | {"tools": [WEATHER], "stream": False})
    function = {"name": "weather", "arguments": {"city": "Oslo"}}
    assert response.json()["message"]["tool_calls"] == [{"function": function}]


async def test_results_belong_to_the_last_calls_in_order() -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    history = [
        *HI["messages"],
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "20 C"},
    ]
    async with run_server(FakeEngine("Warm.")) as server:
        await server.post("/api/chat", HI | {"messages": history})
        prompt = "".join(map(chr, server.engine.requests[0].prompt))
    assert prompt.endswith("<tool_response>\n20 C\n</tool_response></user><assistant>")


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ({"prompt": "Hi"}, "<user>Hi</user><assistant>"),
        ({"prompt": "Hi", "system": "Be kind."}, "<system>Be kind.</system><user>Hi</user><a"),
        ({"prompt": "Hi", "raw": True}, "Hi"),
        ({"prompt": "a", "suffix": "b"}, "<PRE>a<SUF>b<MID>"),
    ],
)
async def test_a_prompt_is_answered_continued_or_filled_in(
    body: dict[str, Any], prompt: str
) -> None:
    async with run_server(FakeEngine("x")) as server:
        response = await server.post("/api/generate", body | {"model": "m", "stream": False})
        engine_prompt = await server.engine.detokenize(server.engine.requests[0].prompt)
    assert response.json()["response"] == "x"
    assert engine_prompt.startswith(prompt)


async def test_a_request_without_a_prompt_loads_the_model(paris: RunningServer) -> None:
    for path in ("/api/chat", "/api/generate"):
        response = await paris.post(path, {"model": "any"})
        assert (response.json()["done"], response.json()["done_reason"]) == (True, "load")
    assert paris.engine.requests == []


async def test_the_models_and_the_version_are_listed(paris: RunningServer) -> None:
    await paris.post("/api/chat", {"model": "any"})
    tags = (await paris.client.get("/api/tags")).json()["models"]
    loaded = (await paris.client.get("/api/ps")).json()["models"]
    details = (await paris.post("/api/show", {"model": "local"})).json()
    assert [entry["name"] for entry in tags] == [entry["name"] for entry in loaded] == ["local"]
    assert details["capabilities"] == ["completion", "tools", "insert"]
    assert (await paris.client.get("/")).text.startswith("Ollama is running")
    assert (await paris.client.get("/api/version")).json()["version"]


async def test_only_served_models_can_be_pulled(paris: RunningServer) -> None:
    there = await paris.post("/api/pull", {"model": "local:latest"})
    other = await paris.post("/api/pull", {"model": "llama9"})
    assert lines(there.text) == [{"status": "success"}]
    assert other.status_code == 400
    assert "`copilotd models pull`" in other.text


async def test_a_client_that_hangs_up_cancels_the_generation() -> None:
    engine = EndlessEngine()
    async with (
        run_server(engine) as server,
        server.client.stream("POST", "/api/chat", json=HI) as response,
    ):
        assert response.status_code == 200
        await response.aclose()
        await engine.ended.wait()


async def test_ollamas_own_client_chats_generates_embeds_and_calls() -> None:
    engine = FakeEngine(lambda prompt: CALL if "<tools>" in prompt else "Hey")
    async with run_server(engine) as server, AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            ollama.AsyncClient(host=server.url, trust_env=False)
        )
        question: Any = HI["messages"]
        whole = await client.chat("any", question)
        pieces = [p.message.content async for p in await client.chat("any", question, stream=True)]
        called = await client.chat("any", question, tools=[WEATHER])
        filled = await client.generate("any", "a", suffix="b")
        vectors = await client.embed("any", ["one", "three"])
        models = await client.list()
    assert (whole.message.content, "".join(filter(None, pieces))) == ("Hey", "Hey")
    [call] = called.message.tool_calls or []
    assert (call.function.name, call.function.arguments) == ("weather", {"city": "Oslo"})
    assert filled.response == "Hey"
    assert len(vectors.embeddings) == 2
    assert [model.model for model in models.models] == ["local"]
