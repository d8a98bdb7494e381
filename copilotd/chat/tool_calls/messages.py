"""Earlier calls and their results, as the template takes them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from json_repair import repair_json

from copilotd.chat.tool_calls.formats import Notation, instruction, notation_of, shows_tools
from copilotd.chat.tool_calls.ids import nine
from copilotd.chat.tool_calls.types import Tool
from copilotd.engine.types import ModelInfo
from copilotd.prompt.messages import Message, ToolCall


def said(content: str, calls: Sequence[ToolCall]) -> Message:
    """What an assistant said, and the calls it made."""
    extra = {"calls": tuple(calls)} if calls else {}
    return Message("assistant", content, extra)


def resulted(content: str, id: str, name: str = "") -> Message:
    """The result of the call `id`."""
    return Message("tool", content, {"tool_call_id": id, **({"name": name} if name else {})})


def mended(arguments: str | Mapping[str, Any]) -> str:
    """The arguments of an earlier call as a JSON object, whatever a client has made of them."""
    if isinstance(arguments, Mapping):
        return json.dumps(arguments)
    try:
        value = json.loads(arguments)
    except ValueError:
        value = repair_json(arguments, return_objects=True)
    return json.dumps(value if isinstance(value, dict) else {})


def signature(tool: Tool) -> dict[str, Any]:
    """A tool in OpenAI's form, which templates know."""
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def for_template(
    info: ModelInfo, messages: Sequence[Message], tools: Sequence[Tool]
) -> tuple[list[Message], list[dict[str, Any]]]:
    """The conversation and the tools' signatures as the model's template shows them."""
    notation = notation_of(info)
    signatures = [signature(tool) for tool in tools]
    if shows_tools(info):
        return [_native(message, notation) for message in messages], signatures
    told = [_plain(message, notation) for message in messages]
    return (_instructed(told, signatures) if tools else told), []


def _native(message: Message, notation: Notation) -> Message:
    extra = dict(message.extra)
    calls = extra.pop("calls", ())
    if isinstance(calls, tuple) and calls:
        extra["tool_calls"] = [_entry(call, notation) for call in calls]
    if notation.id_of_nine and isinstance(id := extra.get("tool_call_id"), str):
        extra["tool_call_id"] = nine(id)
    return replace(message, extra=extra)


def _entry(call: ToolCall, notation: Notation) -> dict[str, Any]:
    id = nine(call.id) if notation.id_of_nine else call.id
    function = {"name": call.name, "arguments": json.loads(call.arguments)}
    return {"id": id, "type": "function", "function": function}


def _plain(message: Message, notation: Notation) -> Message:
    """For a template that knows neither calls nor results."""
    if message.role == "tool":
        return Message("user", f"<tool_response>\n{message.content}\n</tool_response>")
    calls = message.extra.get("calls", ())
    if not isinstance(calls, tuple) or not calls:
        return message
    return Message(message.role, "\n".join(filter(None, (message.content, *map(_written, calls)))))


def _written(call: ToolCall) -> str:
    body = json.dumps({"name": call.name, "arguments": json.loads(call.arguments)})
    return f"<tool_call>\n{body}\n</tool_call>"


def _instructed(messages: list[Message], signatures: list[dict[str, Any]]) -> list[Message]:
    told = instruction(signatures)
    if messages and messages[0].role == "system":
        return [Message("system", f"{messages[0].content}\n\n{told}"), *messages[1:]]
    return [Message("system", told), *messages]
