"""`copilotd/chat`: answer a conversation that the client keeps, with tools if it wants."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Literal

import msgspec

from copilotd.chat.agent import Agent, AgentAnswer, ToolCallProgress
from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.messages import repair_arguments
from copilotd.chat.tool_calls.types import ToolDefinition, ToolSet
from copilotd.chat.turns import Code, Command, Turn, render_turn
from copilotd.engine.types import Finished, FinishReason
from copilotd.errors import CopilotdError
from copilotd.lsp.editor_tools import Workbench
from copilotd.lsp.server import EditorServer
from copilotd.lsp.streaming import failure, progress, read, streamed
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)


class ChatTurn(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message on the wire."""

    role: Literal["user", "assistant", "system", "tool"]
    content: str = ""
    command: Command | None = None
    code: Code | None = None
    diagnostics: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    name: str = ""


class Offered(msgspec.Struct, frozen=True):
    """A tool of the client's own, which the client runs."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}


class ChatParams(msgspec.Struct, frozen=True, rename="camel"):
    """The request's parameters."""

    messages: list[ChatTurn]
    tools: bool | list[Offered] = False
    partial_result_token: str | int | None = None


async def chat(ls: EditorServer, params: Any) -> dict[str, Any]:
    """Stream the answer, then give it whole."""
    asked = read(ChatParams, params)
    messages = tuple(map(_message, asked.messages))
    token = asked.partial_result_token
    if isinstance(asked.tools, list):
        return await _with_clients_tools(ls, messages, asked.tools, token)
    if asked.tools and ls.toolset.settings.enabled:
        return await _with_tools(ls, messages, token)
    answer = ls.talker.chat.stream_text(ChatRequest(messages))
    content, reason = await streamed(ls, token, answer)
    return {"content": content, "finishReason": reason.value, "model": ls.talker.alias}


async def _with_tools(
    ls: EditorServer, messages: tuple[Message, ...], token: str | int | None
) -> dict[str, Any]:
    agent = Agent(ls.talker.chat, ls.runner, ls.toolset.settings.max_steps)
    answered = AgentAnswer((), FinishReason.STOP)
    try:
        async with aclosing(agent.answer(messages, Workbench(ls))) as events:
            async for event in events:
                if isinstance(event, AgentAnswer):
                    answered = event
                    continue
                if isinstance(event, ToolCallProgress) and event.result and event.result.change:
                    ls.changed(event.call.id, event.result.change)
                progress(ls, token, _shown(event))
    except CopilotdError as error:
        raise failure(error) from error
    return _answer(ls, answered)


async def _with_clients_tools(
    ls: EditorServer, messages: tuple[Message, ...], tools: list[Offered], token: str | int | None
) -> dict[str, Any]:
    tool_set = ToolSet(tuple(ToolDefinition(t.name, t.description, t.parameters) for t in tools))
    text, calls, reason = "", list[ToolCall](), FinishReason.STOP
    try:
        async with aclosing(
            ls.talker.chat.stream_events(ChatRequest(messages, tools=tool_set))
        ) as events:
            async for event in events:
                if isinstance(event, Finished):
                    reason = event.reason
                elif isinstance(event, ToolCall):
                    calls.append(event)
                    progress(ls, token, _shown(ToolCallProgress(event)))
                elif event.text:
                    text += event.text
                    progress(ls, token, _shown(event.text))
    except CopilotdError as error:
        raise failure(error) from error
    return _answer(ls, AgentAnswer((AssistantMessage(text, tuple(calls)),), reason))


def _answer(ls: EditorServer, answered: AgentAnswer) -> dict[str, Any]:
    return {
        "content": answered.messages[-1].content,
        "finishReason": answered.reason.value,
        "model": ls.talker.alias,
        "messages": [msgspec.to_builtins(_turn(message)) for message in answered.messages],
    }


def _shown(event: str | ToolCallProgress) -> dict[str, Any]:
    if isinstance(event, str):
        return {"delta": event}
    call, result = event.call, event.result
    if result is None:
        return {"call": {"id": call.id, "name": call.name, "arguments": call.arguments}}
    shown = {"id": call.id, "title": result.title or call.name, "text": result.text}
    return {"result": {**shown, "isFailure": result.is_failure, "canUndo": bool(result.change)}}


def _message(turn: ChatTurn) -> Message:
    if turn.role == "tool":
        return ToolResult(turn.content, turn.call_id, turn.name)
    if turn.calls:
        return AssistantMessage(turn.content, tuple(map(_repair_call, turn.calls)))
    text = render_turn(Turn(turn.content, turn.command, turn.code, turn.diagnostics))
    return _MESSAGE_TYPES[turn.role](text)


_MESSAGE_TYPES: Mapping[str, type[SystemMessage | UserMessage | AssistantMessage]] = {
    "system": SystemMessage,
    "user": UserMessage,
    "assistant": AssistantMessage,
}


def _repair_call(call: ToolCall) -> ToolCall:
    return ToolCall(call.id, call.name, repair_arguments(call.arguments))


def _turn(message: Message) -> ChatTurn:
    match message:
        case ToolResult(content, call_id, name):
            return ChatTurn("tool", content, call_id=call_id, name=name)
        case AssistantMessage(content, calls):
            return ChatTurn("assistant", content, calls=calls)
    raise AssertionError(f"an answer has no {message.role} message")
