"""The events of a streamed response of /v1/responses."""

from typing import Any

import pytest

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk
from copilotd.errors import CopilotdError, EngineBusy, EngineDied
from tests.http.fake_engines import STOP, ScriptedEngine
from tests.http.http_server import run_server
from tests.http.openai.responses import (
    ARGUMENTS,
    ASK,
    CALL,
    PATH,
    PROMPT,
    WEATHER,
    answer,
    call,
    message,
    part,
    stream_events,
    usage,
)


def opening(**differences: Any) -> list[dict[str, Any]]:
    started = answer(status="in_progress", **differences)
    return [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
    ]


def added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def of_text(kind: str, **fields: Any) -> dict[str, Any]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return {"type": f"response.{kind}", **place, **fields}


def message_events(*pieces: str, status: str = "completed") -> list[dict[str, Any]]:
    """The events of a message."""
    text = "".join(pieces)
    return [
        added(0, message("msg_1", None, "in_progress")),
        of_text("content_part.added", part=part("")),
        *(of_text("output_text.delta", delta=piece, logprobs=[]) for piece in pieces),
        of_text("output_text.done", text=text, logprobs=[]),
        of_text("content_part.done", part=part(text)),
        done(0, message("msg_1", text, status)),
    ]


def of_arguments(kind: str, id: str, index: int, **fields: Any) -> dict[str, Any]:
    kind = f"response.function_call_arguments.{kind}"
    return {"type": kind, "item_id": id, "output_index": index, **fields}


async def test_a_stream_has_an_event_for_every_step() -> None:
    async with run_server(FakeEngine("Hi")) as server:
        sent = await stream_events(server, ASK)

    whole = answer(output=[message("msg_1", "Hi")], usage=usage(len(PROMPT), 2))
    assert sent == [
        *opening(),
        *message_events("H", "i"),
        {"type": "response.completed", "response": whole},
    ]


async def test_a_stream_that_reaches_the_limit_ends_incomplete() -> None:
    async with run_server(FakeEngine("Hi")) as server:
        sent = await stream_events(server, ASK | {"max_output_tokens": 1})

    whole = answer(
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
        output=[message("msg_1", "H", "incomplete")],
        usage=usage(len(PROMPT), 1),
        max_output_tokens=1,
    )
    assert sent == [
        *opening(max_output_tokens=1),
        *message_events("H", status="incomplete"),
        {"type": "response.incomplete", "response": whole},
    ]


async def test_an_empty_stream_still_has_a_message() -> None:
    async with run_server(FakeEngine("")) as server:
        sent = await stream_events(server, ASK)

    whole = answer(output=[message("msg_1", "")], usage=usage(len(PROMPT), 0))
    assert sent == [
        *opening(),
        *message_events(),
        {"type": "response.completed", "response": whole},
    ]


async def test_calls_are_streamed_after_the_text() -> None:
    engine = ScriptedEngine(Chunk("I look.\n"), Chunk(CALL), STOP)
    async with run_server(engine) as server:
        sent = await stream_events(server, ASK | {"tools": [WEATHER]})

    tool_call = call("fc_2", "call_3", ARGUMENTS)
    whole = answer(
        tools=[WEATHER], output=[message("msg_1", "I look."), tool_call], usage=usage(5, 2, 3)
    )
    assert sent == [
        *opening(tools=[WEATHER]),
        *message_events("I look."),
        added(1, call("fc_2", "call_3", "", "in_progress")),
        of_arguments("delta", "fc_2", 1, delta=ARGUMENTS),
        of_arguments("done", "fc_2", 1, arguments=ARGUMENTS),
        done(1, tool_call),
        {"type": "response.completed", "response": whole},
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_failure_before_the_first_token_has_a_status_of_its_own(stream: bool) -> None:
    async with run_server(ScriptedEngine(EngineBusy("64 wait"))) as server:
        response = await server.post(PATH, ASK | {"stream": stream})

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "engine_busy"


@pytest.mark.parametrize(
    ("failure", "code", "text"),
    [
        (
            EngineDied("the worker ended", "Try again."),
            "engine_died",
            "the worker ended. Try again.",
        ),
        (
            RuntimeError("a secret"),
            "internal_error",
            "copilotd failed unexpectedly; its log says more: copilotd logs.",
        ),
    ],
    ids=["foreseen", "unforeseen"],
)
async def test_a_failure_in_the_middle_of_a_stream_is_its_last_event(
    failure: CopilotdError | RuntimeError, code: str, text: str
) -> None:
    async with run_server(ScriptedEngine(Chunk("Pa"), failure)) as server:
        sent = await stream_events(server, ASK)

    part = answer(
        status="failed",
        error={"code": code, "message": text},
        output=[message("msg_1", "Pa", "incomplete")],
    )
    assert sent == [
        *opening(),
        *message_events("Pa", status="incomplete"),
        {"type": "response.failed", "response": part},
    ]
