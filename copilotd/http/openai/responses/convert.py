"""Between the request's fields and our values."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.messages import resulted, said
from copilotd.chat.tool_calls.types import Toolbox
from copilotd.engine.types import Sampling
from copilotd.http.openai.chat.tools import (
    CalledFunction,
    Named,
    NamedChoice,
    ToolCall,
    ToolEntry,
    ToolFields,
    calls,
    toolbox,
)
from copilotd.http.openai.responses.answer import ResponseObject
from copilotd.http.openai.responses.items import CallItem, Item, MessageItem, ResultItem
from copilotd.http.openai.responses.schema import (
    AnyObjectFormat,
    FunctionChoice,
    NamedSchemaFormat,
    ResponsesBody,
    TextSettings,
)
from copilotd.http.shared.fields import Said
from copilotd.prompt.messages import Message


def sampling(body: ResponsesBody, default: Sampling) -> Sampling:
    """How tokens are drawn; what the client leaves open is `default`'s."""
    named = {"temperature": body.temperature, "top_p": body.top_p}
    return replace(default, **{name: value for name, value in named.items() if value is not None})


def chat_request(body: ResponsesBody, sampling: Sampling) -> ChatRequest:
    """The conversation, and how it is to be answered."""
    return ChatRequest(
        messages=tuple(_messages(body)),
        max_tokens=body.max_output_tokens,
        sampling=sampling,
        toolbox=_toolbox(body),
        schema=_schema(body.text),
        shortens=None if body.truncation is None else body.truncation == "auto",
    )


def begun(body: ResponsesBody, sampling: Sampling, model: str) -> ResponseObject:
    """The answer of which nothing is there yet."""
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


def _messages(body: ResponsesBody) -> Iterator[Message]:
    """The turns of the conversation.

    Items of one speaker in a row are one turn: calls belong to what was said before them, and many
    templates insist that user and assistant take turns, and that one system message comes first.
    """
    first = MessageItem(role="system", content=Said(body.instructions or ""))
    items: list[Item] = [*([first] if body.instructions else []), *body.input]
    names = {item.call_id: item.name for item in items if isinstance(item, CallItem)}
    for role, run in groupby((item for item in items if _role(item)), _role):
        if role == "tool":
            yield from _results(list(run), names)
        else:
            yield _turn(role, list(run))


def _role(item: Item) -> str:
    """Who speaks; nobody in an item that is ignored."""
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


def _turn(role: str, run: Sequence[Item]) -> Message:
    contents = [item.content for item in run if isinstance(item, MessageItem)]
    text = "\n\n".join(content.text for content in contents)
    made = calls([_call(item) for item in run if isinstance(item, CallItem)])
    images = tuple(image for content in contents for image in content.images)
    return said(text, made) if made else Message(role, text, images=images)


def _call(item: CallItem) -> ToolCall:
    function = CalledFunction(name=item.name, arguments=item.arguments)
    return ToolCall(id=item.call_id, function=function)


def _results(run: Sequence[Item], names: Mapping[str, str]) -> Iterator[Message]:
    for item in run:
        if isinstance(item, ResultItem):
            yield resulted(item.output, item.call_id, names.get(item.call_id, ""))


def _toolbox(body: ResponsesBody) -> Toolbox:
    choice = body.tool_choice
    fields = ToolFields(
        tools=[ToolEntry(type="function", function=tool) for tool in body.tools],
        tool_choice=_named(choice) if isinstance(choice, FunctionChoice) else choice,
        parallel_tool_calls=body.parallel_tool_calls is not False,
    )
    return toolbox(fields)


def _named(choice: FunctionChoice) -> NamedChoice:
    return NamedChoice(function=Named(name=choice.name))


def _schema(text: TextSettings | None) -> Mapping[str, Any] | None:
    """What the answer keeps to; None if any text will do."""
    match text.format if text else None:
        case NamedSchemaFormat(schema_=schema):
            return schema or {}
        case AnyObjectFormat():
            return {"type": "object"}
        case _:
            return None
