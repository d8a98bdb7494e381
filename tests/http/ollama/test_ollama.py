import json
from contextlib import AsyncExitStack
from typing import Any

import ollama
import pytest

from copilotd.engine.fake import FakeEngine
from tests.http.fake_engines import EndlessEngine
from tests.http.http_server import Served, serving
from tests.http.openai.test_tools import CALL, WEATHER

HI: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def plain(line: dict[str, Any]) -> dict[str, Any]:
    """Without times."""
    return {
        name: value
        for name, value in line.items()
        if not name.endswith(("_duration", "created_at"))
    }


def counted(prompt: int, answer: int) -> dict[str, int]:
    return {"prompt_eval_count": prompt, "eval_count": answer}


async def test_a_conversation_is_answered_line_by_line() -> None:
    async with serving(FakeEngine("Hey")) as served:
        response = await served.post("/api/chat", HI)
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
async def test_a_body_is_json_whatever_its_header_says(sent: dict[str, str]) -> None:
    body = json.dumps(HI | {"stream": False})
    async with serving(FakeEngine("Hey")) as served:
        response = await served.client.post("/api/chat", content=body, headers=sent)
    assert response.json()["message"]["content"] == "Hey"


async def test_an_answer_may_come_in_one_object() -> None:
    body = HI | {"stream": False, "options": {"num_predict": 2, "temperature": 0.5, "seed": 7}}
    async with serving(FakeEngine("Hey")) as served:
        response = await served.post("/api/chat", body)
        request = served.engine.requests[0]
    assert plain(response.json()) == {
        "model": "any",
        "message": {"role": "assistant", "content": "He"},
        "done": True,
        "done_reason": "length",
        **counted(len("<user>Hi</user><assistant>"), 2),
    }
    assert (request.sampling.temperature, request.sampling.seed) == (0.5, 7)


async def test_a_call_has_its_arguments_as_an_object() -> None:
    async with serving(FakeEngine(CALL)) as served:
        response = await served.post("/api/chat", HI | {"tools": [WEATHER], "stream": False})
    function = {"name": "weather", "arguments": {"city": "Oslo"}}
    assert response.json()["message"]["tool_calls"] == [{"function": function}]


async def test_results_belong_to_the_calls_before_them_in_order() -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    history = [
        *HI["messages"],
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "20 C"},
    ]
    async with serving(FakeEngine("Warm.")) as served:
        await served.post("/api/chat", HI | {"messages": history})
        prompt = "".join(map(chr, served.engine.requests[0].prompt))
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
    async with serving(FakeEngine("x")) as served:
        response = await served.post("/api/generate", body | {"model": "m", "stream": False})
        seen = await served.engine.detokenize(served.engine.requests[0].prompt)
    assert response.json()["response"] == "x"
    assert seen.startswith(prompt)


async def test_a_request_for_nothing_loads_the_model(paris: Served) -> None:
    for path in ("/api/chat", "/api/generate"):
        response = await paris.post(path, {"model": "any"})
        assert (response.json()["done"], response.json()["done_reason"]) == (True, "load")
    assert paris.engine.requests == []


async def test_what_there_is_can_be_seen(paris: Served) -> None:
    await paris.post("/api/chat", {"model": "any"})
    tags = (await paris.client.get("/api/tags")).json()["models"]
    loaded = (await paris.client.get("/api/ps")).json()["models"]
    shown = (await paris.post("/api/show", {"model": "local"})).json()
    assert [entry["name"] for entry in tags] == [entry["name"] for entry in loaded] == ["local"]
    assert shown["capabilities"] == ["completion", "tools", "insert"]
    assert (await paris.client.get("/")).text.startswith("Ollama is running")
    assert (await paris.client.get("/api/version")).json()["version"]


async def test_only_what_is_served_can_be_pulled(paris: Served) -> None:
    there = await paris.post("/api/pull", {"model": "local:latest"})
    other = await paris.post("/api/pull", {"model": "llama9"})
    assert lines(there.text) == [{"status": "success"}]
    assert other.status_code == 400
    assert "`copilotd models pull`" in other.text


async def test_a_client_that_hangs_up_ends_the_work() -> None:
    engine = EndlessEngine()
    async with (
        serving(engine) as served,
        served.client.stream("POST", "/api/chat", json=HI) as response,
    ):
        assert response.status_code == 200
        await response.aclose()
        await engine.ended.wait()


async def test_ollamas_own_client_chats_generates_embeds_and_calls() -> None:
    engine = FakeEngine(lambda prompt: CALL if "<tools>" in prompt else "Hey")
    async with serving(engine) as served, AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            ollama.AsyncClient(host=served.url, trust_env=False)
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
