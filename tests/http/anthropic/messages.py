"""Requests to /v1/messages, and the objects that it returns."""

import json
from typing import Any

from copilotd.engine.fake import FakeEngine
from tests.http.http_server import RunningServer, run_server

PATH = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
QUESTION = {"role": "user", "content": "Hi"}
ASK: dict[str, Any] = {"model": "claude", "max_tokens": 500, "messages": [QUESTION]}
PROMPT = "<user>Hi</user><assistant>"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "The weather.", "input_schema": SCHEMA}
TIME = {"type": "custom", "name": "time", "input_schema": {"type": "object"}}
WRITTEN = '{"name": "weather", "arguments": {"city": "Oslo"}}'
CALL = f"<tool_call>\n{WRITTEN}\n</tool_call>"
USED = {"type": "tool_use", "id": "call", "name": "weather", "input": {"city": "Oslo"}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def usage(prompt: int, answer: int, cached: int = 0) -> dict[str, int]:
    return {
        "input_tokens": prompt,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": answer,
    }


def strip_ids(value: Any) -> Any:
    """The value with the prefix of each id in its place, because ids are random."""
    if isinstance(value, list):
        return [strip_ids(one) for one in value]
    if isinstance(value, dict):
        return {name: strip_ids(one) for name, one in value.items()}
    if isinstance(value, str) and value.startswith(("msg_", "call_")):
        return value.partition("_")[0]
    return value


def message(content: list[Any], cost: dict[str, int], **ending: Any) -> dict[str, Any]:
    return {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": cost,
        **ending,
    }


async def answer(server: RunningServer, **differences: Any) -> Any:
    """The response to a request with these differences."""
    response = await server.post(PATH, ASK | differences)
    assert response.status_code == 200, response.text
    return strip_ids(response.json())


async def stream_events(server: RunningServer, **differences: Any) -> list[Any]:
    """The events of a stream; the name of each frame is the type of its event."""
    response = await server.post(PATH, ASK | {"stream": True} | differences)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    *frames, end = response.text.split("\n\n")
    assert end == ""
    parted = [frame.removeprefix("event: ").split("\ndata: ") for frame in frames]
    events = [json.loads(data) for _, data in parted]
    assert [name for name, _ in parted] == [event["type"] for event in events]
    return [strip_ids(event) for event in events]


def beginning(cost: dict[str, int]) -> list[Any]:
    start = message([], cost, stop_reason=None)
    return [{"type": "message_start", "message": start}, {"type": "ping"}]


def block(index: int, opening: dict[str, Any], *deltas: dict[str, str]) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": one} for one in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def end(reason: str, cost: dict[str, int], stop: str | None = None) -> list[Any]:
    delta = {"stop_reason": reason, "stop_sequence": stop}
    return [{"type": "message_delta", "delta": delta, "usage": cost}, {"type": "message_stop"}]


def error(kind: str, words: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": words}}


async def render_prompt(**body: Any) -> str:
    """The prompt that the model gets."""
    async with run_server(FakeEngine("Warm.")) as server:
        await answer(server, **body)
        return await server.engine.detokenize(server.engine.requests[0].prompt)
