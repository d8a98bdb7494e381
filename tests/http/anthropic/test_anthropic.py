"""Anthropic's dialect: the responses of /v1/messages, whole and streamed."""

from typing import Any

import pytest

from copilotd.config import ChatSection
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, Finished, FinishReason, GenerateRequest, Sampling, Usage
from copilotd.errors import EngineDied
from tests.http.anthropic.messages import (
    ASK,
    CALL,
    PATH,
    PROMPT,
    QUESTION,
    USED,
    WEATHER,
    answer,
    beginning,
    block,
    end,
    error,
    message,
    render_prompt,
    stream_events,
    strip_ids,
    text,
    usage,
)
from tests.http.fake_engines import STOP, EndlessEngine, ScriptedEngine
from tests.http.http_server import JSON, RunningServer, run_server


async def test_the_response_has_anthropics_shape_and_the_clients_name_of_the_model(
    paris: RunningServer,
) -> None:
    response = await paris.post(PATH, ASK, **JSON)

    assert response.status_code == 200
    assert response.json()["id"].startswith("msg_")
    assert strip_ids(response.json()) == message([text("Paris")], usage(len(PROMPT), 5))
    assert paris.engine.requests == [
        GenerateRequest(
            prompt=[ord(c) for c in PROMPT], max_tokens=500, sampling=Sampling(temperature=0.2)
        )
    ]


async def test_the_clients_sampling_and_limits_reach_the_engine() -> None:
    async with run_server() as server:
        body = {"max_tokens": 7, "temperature": 0.5, "top_p": 0.25, "top_k": 3}
        await answer(server, **body, stop_sequences=["\n"])
        request = server.engine.requests[0]

    assert request.sampling == Sampling(temperature=0.5, top_p=0.25, top_k=3)
    assert (request.max_tokens, request.stop) == (7, ["\n"])


async def test_the_settings_have_the_defaults_for_fields_that_the_client_leaves_out() -> None:
    settings = ChatSection(system_prompt="Be terse.", temperature=0.75, max_tokens=2)
    async with run_server(FakeEngine(lambda prompt: prompt), chat=settings) as server:
        response = await server.post(PATH, {"messages": [QUESTION]})

    assert response.json()["model"] == "local"
    assert response.json()["content"] == [text("<s")]
    assert server.engine.requests[0].sampling == Sampling(temperature=0.75)


async def test_the_response_says_why_the_answer_ended() -> None:
    async with run_server(FakeEngine("one, two")) as server:
        cut = await answer(server, max_tokens=3)
        stopped = await answer(server, stop_sequences=[";", ","])

    prompt = len(PROMPT)
    assert cut == message([text("one")], usage(prompt, 3), stop_reason="max_tokens")
    assert stopped == message(
        [text("one")], usage(prompt, 3), stop_reason="stop_sequence", stop_sequence=","
    )


async def test_cached_tokens_are_counted_separately() -> None:
    async with run_server(ScriptedEngine(Chunk("a"), Chunk("b"), STOP)) as server:
        received = await answer(server)

    assert received == message([text("ab")], usage(2, 2, cached=3))


async def test_an_empty_answer_has_no_blocks() -> None:
    async with run_server(FakeEngine("")) as server:
        whole = await answer(server)
        pieces = await stream_events(server)

    cost = usage(len(PROMPT), 0)
    assert whole == message([], cost)
    assert pieces == [*beginning(cost), *end("end_turn", cost)]


async def test_calls_are_blocks_after_the_text() -> None:
    other = CALL.replace("Oslo", "Rome")
    output = f"I look.\n{CALL}\n{other}"
    async with run_server(FakeEngine(output)) as server:
        received = await answer(server, tools=[WEATHER])
        prompt = server.engine.requests[0].prompt

    cost = usage(len(prompt), len(output))
    used = [USED, {**USED, "input": {"city": "Rome"}}]
    assert received == message([text("I look."), *used], cost, stop_reason="tool_use")


async def test_other_fields_of_anthropics_clients_are_ignored() -> None:
    besides = {
        "metadata": {"user_id": "u"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "service_tier": "auto",
        "system": [{**text("Be kind."), "cache_control": {"type": "ephemeral"}}],
    }

    assert await render_prompt(**besides) == f"<system>Be kind.</system>{PROMPT}"


async def test_a_stream_has_an_event_for_every_step() -> None:
    first = Chunk("H", usage=Usage(prompt_tokens=5, cached_tokens=3, completion_tokens=1))
    async with run_server(ScriptedEngine(first, Chunk("i"), STOP)) as server:
        sent = await stream_events(server)

    deltas = ({"type": "text_delta", "text": piece} for piece in "Hi")
    assert sent == [
        *beginning(usage(2, 1, cached=3)),
        *block(0, text(""), *deltas),
        *end("end_turn", usage(2, 2, cached=3)),
    ]


async def test_a_call_is_streamed_as_a_block_of_its_own() -> None:
    other = CALL.replace("Oslo", "Rome")
    pieces = [Chunk("So", usage=Usage(prompt_tokens=9)), Chunk(CALL), Chunk(other)]
    async with run_server(ScriptedEngine(*pieces, STOP)) as server:
        sent = await stream_events(server, tools=[WEATHER])

    opening = USED | {"input": {}}
    arguments = {"type": "input_json_delta", "partial_json": '{"city": "Oslo"}'}
    assert sent == [
        *beginning(usage(9, 0)),
        *block(0, text(""), {"type": "text_delta", "text": "So"}),
        *block(1, opening, arguments),
        *block(2, opening, arguments | {"partial_json": '{"city": "Rome"}'}),
        *end("tool_use", usage(2, 2, cached=3)),
    ]


@pytest.mark.parametrize(
    ("finished", "reason", "stop"),
    [
        (Finished(FinishReason.LENGTH, Usage()), "max_tokens", None),
        (Finished(FinishReason.STOP, Usage(), "\n"), "stop_sequence", "\n"),
    ],
)
async def test_a_stream_says_why_the_answer_ended(
    finished: Finished, reason: str, stop: str | None
) -> None:
    async with run_server(ScriptedEngine(Chunk("a"), finished)) as server:
        sent = await stream_events(server)

    assert sent[-2:] == end(reason, usage(0, 0), stop)


@pytest.mark.parametrize(
    ("failure", "received"),
    [
        (EngineDied("it ended"), error("overloaded_error", "it ended.")),
        (
            ValueError("secret"),
            error("api_error", "copilotd failed unexpectedly; its log says more: copilotd logs."),
        ),
    ],
)
async def test_a_failure_in_the_middle_of_a_stream_is_its_last_event(
    failure: Exception, received: dict[str, Any]
) -> None:
    async with run_server(ScriptedEngine(Chunk("a"), failure)) as server:
        sent = await stream_events(server)

    [*opening, closing] = block(0, text(""), {"type": "text_delta", "text": "a"})
    assert closing not in sent
    assert sent == [*beginning(usage(0, 0)), *opening, received]


async def test_a_client_that_hangs_up_cancels_the_generation() -> None:
    engine = EndlessEngine()
    async with (
        run_server(engine) as server,
        server.client.stream("POST", PATH, json=ASK | {"stream": True}) as response,
    ):
        assert response.status_code == 200
        await response.aclose()
        await engine.ended.wait()
