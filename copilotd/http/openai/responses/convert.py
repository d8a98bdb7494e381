"""Converts between the fields of /v1/responses and copilotd's values."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.types import ToolSet
from copilotd.engine.types import Sampling
from copilotd.http.openai.responses.answer import ResponseObject
from copilotd.http.openai.responses.items import CallItem, Item, MessageItem, ResultItem
from copilotd.http.openai.responses.schema import (
    AnyObjectFormat,
    FunctionChoice,
    NamedSchemaFormat,
    ResponsesBody,
    TextSettings,
)
from copilotd.http.shared.chat_completions.tools import (
    CalledFunction,
    Named,
    NamedChoice,
    ToolCall,
    ToolEntry,
    ToolFields,
    parse_calls,
    parse_tools,
)
from copilotd.http.shared.fields import MessageContent
from copilotd.http.shared.generation import override_sampling
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolResult,
    UserMessage,
)


def build_sampling(body: ResponsesBody, default: Sampling) -> Sampling:
    """The sampling; `default` fills the fields that the client left out."""
    return override_sampling(default, temperature=body.temperature, top_p=body.top_p)


def parse_chat_request(body: ResponsesBody, sampling: Sampling) -> ChatRequest:
    """The conversation, and how to answer it."""
    return ChatRequest(
        messages=tuple(_parse_messages(body)),
        max_tokens=body.max_output_tokens,
        sampling=sampling,
        tools=_parse_tools(body),
        schema=_find_schema(body.text),
        may_truncate=None if body.truncation is None else body.truncation == "auto",
    )


def start_response(body: ResponsesBody, sampling: Sampling, model: str) -> ResponseObject:
    """The response before it has any output."""
    return ResponseObject(
        model=model,
        instructions=body.instructions,
        metadata=body.metadata or {},
        parallel_tool_calls=body.parallel_tool_calls is not False,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_output_tokens=body.max_output_tokens,
        text=body.text or TextSettings(),
        tools=body.tools,
        tool_choice=body.tool_choice or "auto",
    )


def _parse_messages(body: ResponsesBody) -> Iterator[Message]:
    """The messages of the conversation.

    Consecutive items of one role become one message: calls belong to the text before them, and many
    chat templates insist on one system message at the start, then user and assistant in turn.
    """
    first = MessageItem(role="system", content=MessageContent(body.instructions or ""))
    items: list[Item] = [*([first] if body.instructions else []), *body.input]
    names = {item.call_id: item.name for item in items if isinstance(item, CallItem)}
    for role, run in groupby((item for item in items if _find_role(item)), _find_role):
        if role == "tool":
            yield from _parse_results(list(run), names)
        else:
            yield _merge_run(role, list(run))


def _find_role(item: Item) -> str:
    """The role of an item; "" for an item that is ignored."""
    match item:
        case MessageItem(role="developer"):
            return "system"
        case MessageItem():
            return item.role
        case CallItem():
            return "assistant"
        case ResultItem():
            return "tool"
        case _:
            return ""


def _merge_run(role: str, run: Sequence[Item]) -> Message:
    contents = [item.content for item in run if isinstance(item, MessageItem)]
    text = "\n\n".join(content.text for content in contents)
    made_calls = parse_calls([_to_tool_call(item) for item in run if isinstance(item, CallItem)])
    images = tuple(image for content in contents for image in content.images)
    match role:
        case "system":
            return SystemMessage(text, images)
        case "user":
            return UserMessage(text, images)
        case _:
            return AssistantMessage(text, made_calls)


def _to_tool_call(item: CallItem) -> ToolCall:
    function = CalledFunction(name=item.name, arguments=item.arguments)
    return ToolCall(id=item.call_id, function=function)


def _parse_results(run: Sequence[Item], names: Mapping[str, str]) -> Iterator[Message]:
    for item in run:
        if isinstance(item, ResultItem):
            yield ToolResult(item.output, item.call_id, names.get(item.call_id, ""))


def _parse_tools(body: ResponsesBody) -> ToolSet:
    choice = body.tool_choice
    fields = ToolFields(
        tools=[ToolEntry(type="function", function=tool) for tool in body.tools],
        tool_choice=_to_named_choice(choice) if isinstance(choice, FunctionChoice) else choice,
        parallel_tool_calls=body.parallel_tool_calls is not False,
    )
    return parse_tools(fields)


def _to_named_choice(choice: FunctionChoice) -> NamedChoice:
    return NamedChoice(function=Named(name=choice.name))


def _find_schema(text: TextSettings | None) -> Mapping[str, Any] | None:
    """The schema that the answer conforms to; None if any text is allowed."""
    match text.format if text else None:
        case NamedSchemaFormat(schema_=schema):
            return schema or {}
        case AnyObjectFormat():
            return {"type": "object"}
        case _:
            return None
