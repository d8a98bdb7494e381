"""Anthropic's dialect: the answers of /v1/messages, whole and as streams."""

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
    plain,
    seen,
    streamed,
    text,
    usage,
)
from tests.http.fake_engines import STOP, EndlessEngine, PlayedEngine
from tests.http.http_server import JSON, Served, serving


async def test_a_question_is_answered_in_anthropics_shape_under_the_clients_name(
    paris: Served,
) -> None:
    response = await paris.post(PATH, ASK, **JSON)

    assert response.status_code == 200
    assert response.json()["id"].startswith("msg_")
    assert plain(response.json()) == message([text("Paris")], usage(len(PROMPT), 5))
    assert paris.engine.requests == [
        GenerateRequest(
            prompt=[ord(c) for c in PROMPT], max_tokens=500, sampling=Sampling(temperature=0.2)
        )
    ]


async def test_sampling_and_limits_are_the_clients() -> None:
    async with serving() as served:
        body = {"max_tokens": 7, "temperature": 0.5, "top_p": 0.25, "top_k": 3}
        await answer(served, **body, stop_sequences=["\n"])
        request = served.engine.requests[0]

    assert request.sampling == Sampling(temperature=0.5, top_p=0.25, top_k=3)
    assert (request.max_tokens, request.stop) == (7, ["\n"])


async def test_what_a_client_leaves_open_is_the_settings() -> None:
    settings = ChatSection(system_prompt="Be terse.", temperature=0.75, max_tokens=2)
    async with serving(FakeEngine(lambda prompt: prompt), chat=settings) as served:
        response = await served.post(PATH, {"messages": [QUESTION]})

    assert response.json()["model"] == "local"
    assert response.json()["content"] == [text("<s")]
    assert served.engine.requests[0].sampling == Sampling(temperature=0.75)


async def test_an_answer_says_why_it_ends() -> None:
    async with serving(FakeEngine("one, two")) as served:
        cut = await answer(served, max_tokens=3)
        stopped = await answer(served, stop_sequences=[";", ","])

    prompt = len(PROMPT)
    assert cut == message([text("one")], usage(prompt, 3), stop_reason="max_tokens")
    assert stopped == message(
        [text("one")], usage(prompt, 3), stop_reason="stop_sequence", stop_sequence=","
    )


async def test_tokens_that_were_cached_are_counted_apart() -> None:
    async with serving(PlayedEngine(Chunk("a"), Chunk("b"), STOP)) as served:
        told = await answer(served)

    assert told == message([text("ab")], usage(2, 2, cached=3))


async def test_an_empty_answer_has_no_blocks() -> None:
    async with serving(FakeEngine("")) as served:
        whole = await answer(served)
        pieces = await streamed(served)

    cost = usage(len(PROMPT), 0)
    assert whole == message([], cost)
    assert pieces == [*beginning(cost), *end("end_turn", cost)]


async def test_calls_are_blocks_behind_the_text_before_them() -> None:
    other = CALL.replace("Oslo", "Rome")
    said = f"I look.\n{CALL}\n{other}"
    async with serving(FakeEngine(said)) as served:
        told = await answer(served, tools=[WEATHER])
        prompt = served.engine.requests[0].prompt

    cost = usage(len(prompt), len(said))
    used = [USED, {**USED, "input": {"city": "Rome"}}]
    assert told == message([text("I look."), *used], cost, stop_reason="tool_use")


async def test_what_anthropics_clients_send_besides_is_ignored() -> None:
    besides = {
        "metadata": {"user_id": "u"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "service_tier": "auto",
        "system": [{**text("Be kind."), "cache_control": {"type": "ephemeral"}}],
    }

    assert await seen(**besides) == f"<system>Be kind.</system>{PROMPT}"


async def test_a_stream_tells_of_every_step() -> None:
    first = Chunk("H", usage=Usage(prompt_tokens=5, cached_tokens=3, completion_tokens=1))
    async with serving(PlayedEngine(first, Chunk("i"), STOP)) as served:
        sent = await streamed(served)

    deltas = ({"type": "text_delta", "text": piece} for piece in "Hi")
    assert sent == [
        *beginning(usage(2, 1, cached=3)),
        *block(0, text(""), *deltas),
        *end("end_turn", usage(2, 2, cached=3)),
    ]


async def test_a_call_is_streamed_as_a_block_of_its_own() -> None:
    other = CALL.replace("Oslo", "Rome")
    pieces = [Chunk("So", usage=Usage(prompt_tokens=9)), Chunk(CALL), Chunk(other)]
    async with serving(PlayedEngine(*pieces, STOP)) as served:
        sent = await streamed(served, tools=[WEATHER])

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
async def test_a_stream_says_why_it_ends(finished: Finished, reason: str, stop: str | None) -> None:
    async with serving(PlayedEngine(Chunk("a"), finished)) as served:
        sent = await streamed(served)

    assert sent[-2:] == end(reason, usage(0, 0), stop)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (EngineDied("it ended"), error("overloaded_error", "it ended.")),
        (
            ValueError("secret"),
            error("api_error", "copilotd failed unexpectedly; its log says more: copilotd logs."),
        ),
    ],
)
async def test_a_failure_in_the_middle_of_a_stream_is_its_last_event(
    failure: Exception, told: dict[str, Any]
) -> None:
    async with serving(PlayedEngine(Chunk("a"), failure)) as served:
        sent = await streamed(served)

    [*opening, closing] = block(0, text(""), {"type": "text_delta", "text": "a"})
    assert closing not in sent
    assert sent == [*beginning(usage(0, 0)), *opening, told]


async def test_a_client_that_hangs_up_ends_the_work() -> None:
    engine = EndlessEngine()
    async with (
        serving(engine) as served,
        served.client.stream("POST", PATH, json=ASK | {"stream": True}) as response,
    ):
        assert response.status_code == 200
        await response.aclose()
        await engine.ended.wait()
