"""The endpoints of llama-server besides completions."""

import asyncio
from typing import Any

from copilotd.config import ChatSection, LlamaCppSection
from copilotd.engine.fake import END, FAKE_MODEL, FakeEngine
from copilotd.engine.types import Chunk, EngineStats, Finished, FinishReason, Usage
from tests.http.fake_engines import BlockingEngine, ScriptedEngine
from tests.http.http_server import parse_events, run_server

HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}


async def test_a_text_is_tokenized_and_detokenized() -> None:
    async with run_server() as server:
        plain = await server.post("/tokenize", {"content": "a<END>"})
        literal = await server.post("/tokenize", {"content": "<E", "parse_special": False})
        pieces = await server.post("/tokenize", {"content": "aé", "with_pieces": True})
        nothing = await server.post("/tokenize", {})
        back = await server.post("/detokenize", {"tokens": [97, END]})

    assert plain.json() == {"tokens": [97, END]}
    assert literal.json() == {"tokens": [60, 69]}
    assert pieces.json() == {"tokens": [{"id": 97, "piece": "a"}, {"id": 233, "piece": "é"}]}
    assert nothing.json() == {"tokens": []}
    assert back.json() == {"content": "a<END>"}


async def test_a_token_that_is_part_of_a_character_is_reported_as_bytes() -> None:
    class Halves(FakeEngine):
        async def token_bytes(self, tokens: list[int]) -> list[bytes]:
            return [b"\xc3" for _ in tokens]

    async with run_server(Halves()) as server:
        pieces = await server.post("/tokenize", {"content": "a", "with_pieces": True})

    assert pieces.json() == {"tokens": [{"id": 97, "piece": [195]}]}


async def test_a_conversation_is_rendered_as_the_prompt() -> None:
    async with run_server() as server:
        response = await server.post("/apply-template", HI)
        count = await server.post("/chat/completions/input_tokens", HI)

    prompt = "<user>Hi</user><assistant>"
    assert response.json() == {"prompt": prompt}
    assert count.json() == {"input_tokens": len(prompt)}


async def test_as_many_slots_are_busy_as_there_are_requests() -> None:
    class Busy(FakeEngine):
        def stats(self) -> EngineStats:
            return EngineStats(running=1, waiting=1)

    async with run_server(Busy(), llama_cpp=LlamaCppSection(slots=3)) as server:
        slots = (await server.client.get("/slots")).json()
    async with run_server(Busy(), llama_cpp=LlamaCppSection(slots=2)) as server:
        full = await server.client.get("/slots?fail_on_no_slot=1")

    assert [slot["is_processing"] for slot in slots] == [True, True, False]
    assert slots[2] == {"id": 2, "n_ctx": 4096, "speculative": False, "is_processing": False}
    assert (full.status_code, full.json()["error"]["type"]) == (503, "unavailable_error")


async def test_slots_and_metrics_can_be_turned_off() -> None:
    section = LlamaCppSection(show_slots=False, metrics=False)
    async with run_server(llama_cpp=section) as server:
        answers = [await server.client.get(path) for path in ("/slots", "/metrics")]

    assert [answer.status_code for answer in answers] == [501, 501]
    assert answers[0].json() == {
        "error": {
            "code": 501,
            "message": "/slots is turned off: llama_cpp.show_slots.",
            "type": "not_supported_error",
        }
    }


async def test_metrics_are_in_prometheus_format() -> None:
    async with run_server() as server:
        response = await server.client.get("/metrics")

    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    [born] = [v for k, v in response.headers.raw if k == b"Process-Start-Time-Unix"]
    assert int(born) > 0
    lines = response.text.splitlines()
    assert lines[:3] == [
        "# HELP llamacpp:prompt_tokens_total Tokens of prompts that were evaluated",
        "# TYPE llamacpp:prompt_tokens_total counter",
        "llamacpp:prompt_tokens_total 0",
    ]
    assert "# TYPE llamacpp:requests_processing gauge" in lines


async def test_the_properties_report_the_defaults() -> None:
    async with run_server(llama_cpp=LlamaCppSection(seed=42, slots=2)) as server:
        props = (await server.client.get("/props")).json()

    assert props["total_slots"] == 2
    assert props["default_generation_settings"]["n_ctx"] == 4096
    assert props["default_generation_settings"]["params"]["seed"] == 42
    assert (props["bos_token"], props["eos_token"]) == ("", "<END>")
    assert props["model_path"] == FAKE_MODEL.path


async def test_the_models_are_listed_with_facts_from_their_files() -> None:
    async with run_server() as server:
        [model] = (await server.client.get("/models")).json()["data"]

    assert (model["id"], model["aliases"], model["object"]) == ("local", ["local"], "model")


async def test_embeddings_are_a_list_of_lists() -> None:
    async with run_server() as server:
        one = await server.post("/embedding", {"content": "ab"})
        two = await server.post("/embeddings", {"input": ["a", [1, "b", 2]]})

    assert one.json() == [{"index": 0, "embedding": [[0.0, 0.0, 1.0, 0.0]]}]
    assert [e["embedding"][0].index(1.0) for e in two.json()] == [1, 3]


async def test_health_has_a_second_address() -> None:
    async with run_server() as server:
        assert (await server.client.get("/v1/health")).json()["status"] == "ok"


COST = Usage(5, 3, 2, prefill_ms=10.0, decode_ms=10.0)


async def test_a_chat_completion_is_in_openais_format_with_timings() -> None:
    engine = ScriptedEngine(Chunk("Paris"), Finished(FinishReason.STOP, COST))
    async with run_server(engine) as server:
        answer = (await server.post("/chat/completions", HI | {"verbose": True})).json()

    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Paris"}
    assert answer["timings"]["cache_n"] == 3
    assert answer["__verbose"] == {"prompt": "<user>Hi</user><assistant>"}


async def test_a_streamed_chat_begins_without_content_and_ends_with_timings() -> None:
    engine = ScriptedEngine(Chunk("Paris"), Finished(FinishReason.STOP, COST))
    body = HI | {"stream": True, "stream_options": {"include_usage": True}}
    async with run_server(engine) as server:
        response = await server.post("/chat/completions", body)

    *chunks, done = parse_events(response.text)
    assert done == "[DONE]"
    assert [c["choices"][0]["delta"] for c in chunks[:-1]] == [
        {"role": "assistant", "content": None},
        {"content": "Paris"},
        {},
    ]
    assert ["timings" in chunk for chunk in chunks] == [False, False, True, True]


async def test_an_answer_continues_the_last_message_of_the_assistant() -> None:
    opening = {"role": "assistant", "content": "It is "}
    async with run_server(chat=ChatSection(system_prompt="")) as server:
        await server.post("/chat/completions", {"messages": [*HI["messages"], opening]})
        twice = await server.post(
            "/chat/completions", {"messages": [*HI["messages"], opening, opening]}
        )

    [request] = server.engine.requests
    prompt = await server.engine.detokenize(request.prompt)
    assert prompt == "<user>Hi</user><assistant>It is "
    assert twice.status_code == 400


async def test_a_client_that_hangs_up_cancels_its_completion() -> None:
    engine = BlockingEngine()
    async with run_server(engine) as server:
        task = asyncio.create_task(server.post("/completion", {"prompt": "x"}))
        await asyncio.wait_for(engine.request_received.wait(), 30)
        task.cancel()
        await asyncio.wait_for(engine.generation_cancelled.wait(), 30)

    assert engine.cancelled == 1
