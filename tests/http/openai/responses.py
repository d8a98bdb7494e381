"""Requests to /v1/responses, and the objects that it returns."""

import json
from typing import Any

from tests.http.http_server import RunningServer, run_server

PATH = "/v1/responses"
ASK = {"input": "Hi"}
PROMPT = "<user>Hi</user><assistant>"

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": PARAMETERS,
    "strict": True,
}
TIME = {"type": "function", "name": "time"}
ARGUMENTS = '{"city": "Oslo"}'
WRITTEN = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'
CALL = f"<tool_call>\n{WRITTEN}\n</tool_call>"
WEB = {"type": "web_search", "search_context_size": "low"}

PREFIXES = {"resp_", "msg_", "fc_", "call_"}


def number_ids(value: Any, numbered: dict[str, str] | None = None) -> Any:
    """The value with ids numbered in their order, and without time."""
    numbered = {} if numbered is None else numbered
    if isinstance(value, list):
        return [number_ids(one, numbered) for one in value]
    if isinstance(value, dict):
        return {k: number_ids(v, numbered) for k, v in value.items() if k != "created_at"}
    if isinstance(value, str) and any(value.startswith(prefix) for prefix in PREFIXES):
        return numbered.setdefault(value, f"{value.split('_')[0]}_{len(numbered)}")
    return value


def part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message(id: str, text: str | None, status: str = "completed") -> dict[str, Any]:
    return {
        "id": id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [] if text is None else [part(text)],
    }


def call(id: str, call_id: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": "weather",
        "arguments": arguments,
    }


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }


def answer(**differences: Any) -> dict[str, Any]:
    """The response to a bare question, with these differences."""
    return {
        "id": "resp_0",
        "object": "response",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "local",
        "output": [],
        "usage": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 0.2,
        "top_p": 0.95,
        "max_output_tokens": None,
        "text": {"format": {"type": "text"}},
        "tools": [],
        "tool_choice": "auto",
        "previous_response_id": None,
        "store": False,
    } | differences


async def get_output(server: RunningServer, body: dict[str, Any]) -> list[Any]:
    """The output items of the response."""
    response = await server.post(PATH, body)
    assert response.status_code == 200, response.text
    items: list[Any] = number_ids(response.json())["output"]
    return items


async def stream_events(server: RunningServer, body: dict[str, Any]) -> list[Any]:
    """The events of a stream; the name of each frame is the type of its event."""
    response = await server.post(PATH, body | {"stream": True})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    *blocks, end = response.text.split("\n\n")
    assert end == ""
    frames = [block.split("\n") for block in blocks]
    events = [json.loads(data.removeprefix("data: ")) for _, data in frames]
    assert [name for name, _ in frames] == [f"event: {event['type']}" for event in events]
    assert [event.pop("sequence_number") for event in events] == list(range(len(events)))
    sent: list[Any] = number_ids(events)
    return sent


async def render_prompt(body: dict[str, Any]) -> str:
    """The prompt that the model gets."""
    async with run_server() as server:
        await get_output(server, body)
        return await server.engine.detokenize(server.engine.requests[0].prompt)


async def get_refusal(body: dict[str, Any]) -> tuple[str, str]:
    """The field and the message of an invalid request."""
    async with run_server() as server:
        response = await server.post(PATH, body)
    assert response.status_code == 400
    error = response.json()["error"]
    return error["param"], error["message"]
