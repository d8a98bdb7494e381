"""Earlier calls, their results and the tools, in the form that the model's template takes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from json_repair import repair_json

from copilotd.chat.tool_calls.formats import (
    CallFormat,
    detect_format,
    render_tool_instructions,
    template_lists_tools,
)
from copilotd.chat.tool_calls.ids import shorten_id
from copilotd.chat.tool_calls.types import ToolDefinition
from copilotd.engine.types import ModelInfo
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)


def repair_arguments(arguments: str | Mapping[str, Any]) -> str:
    """Return the arguments of an earlier call as a JSON object; broken JSON is repaired."""
    if isinstance(arguments, Mapping):
        return json.dumps(arguments)
    try:
        value = json.loads(arguments)
    except ValueError:
        value = repair_json(arguments, return_objects=True)
    return json.dumps(value if isinstance(value, dict) else {})


def adapt_to_template(
    info: ModelInfo, messages: Sequence[Message], tools: Sequence[ToolDefinition]
) -> tuple[list[Message], list[dict[str, Any]]]:
    """Return the messages and the tool definitions to give to the model's template.

    If the template has no place for tools, the messages carry the tools, the calls and the results
    as text, and there are no definitions.
    """
    definitions = [to_openai_definition(tool) for tool in tools]
    if template_lists_tools(info):
        call_format = detect_format(info)
        return [_shorten_ids(message, call_format) for message in messages], definitions
    texts = [_render_as_text(message) for message in messages]
    return (_add_tool_instructions(texts, definitions) if tools else texts), []


def to_openai_definition(tool: ToolDefinition) -> dict[str, Any]:
    """Return the tool in OpenAI's form, which templates expect."""
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _shorten_ids(message: Message, call_format: CallFormat) -> Message:
    if not call_format.needs_short_ids:
        return message
    match message:
        case AssistantMessage(calls=calls):
            return replace(
                message, calls=tuple(replace(call, id=shorten_id(call.id)) for call in calls)
            )
        case ToolResult(call_id=call_id):
            return replace(message, call_id=shorten_id(call_id))
        case _:
            return message


def _render_as_text(message: Message) -> Message:
    """Write calls and results as text, for a template that knows neither."""
    match message:
        case ToolResult():
            return render_tool_result(message)
        case AssistantMessage(calls=calls) if calls:
            return render_assistant_message(message)
        case _:
            return message


def render_assistant_message(message: AssistantMessage) -> AssistantMessage:
    """Return the message with its calls written into the text."""
    texts = (message.content, *map(_render_call, message.calls))
    return AssistantMessage("\n".join(filter(None, texts)))


def render_tool_result(message: ToolResult) -> UserMessage:
    """Return the result as a message of the user."""
    return UserMessage(f"<tool_response>\n{message.content}\n</tool_response>")


def _render_call(call: ToolCall) -> str:
    body = json.dumps({"name": call.name, "arguments": json.loads(call.arguments)})
    return f"<tool_call>\n{body}\n</tool_call>"


def _add_tool_instructions(
    messages: list[Message], definitions: list[dict[str, Any]]
) -> list[Message]:
    instructions = render_tool_instructions(definitions)
    match messages:
        case [SystemMessage(content=content), *others]:
            return [SystemMessage(f"{content}\n\n{instructions}"), *others]
        case _:
            return [SystemMessage(instructions), *messages]
