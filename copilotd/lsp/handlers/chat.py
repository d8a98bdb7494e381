"""`copilotd/chat`: answers a conversation that the client keeps, with tools if it asks for them."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from copilotd.chat.agent import Agent, AgentAnswer, ToolCallProgress
from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.messages import repair_arguments
from copilotd.chat.tool_calls.types import ToolDefinition, ToolSet
from copilotd.chat.turns import Code, Command, Turn, render_turn
from copilotd.engine.types import Finished, FinishReason
from copilotd.errors import CopilotdError
from copilotd.lsp.client import Client
from copilotd.lsp.editor_tools import EditorAdapter
from copilotd.lsp.streaming import parse_params, send_progress, stream_answer, to_rpc_error
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)
from copilotd.serving.services import Services


class ChatMessage(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message on the wire."""

    role: Literal["user", "assistant", "system", "tool"]
    content: str = ""
    command: Command | None = None
    code: Code | None = None
    diagnostics: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    name: str = ""


class ClientTool(msgspec.Struct, frozen=True):
    """One of the client's own tools. The client runs it."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}


class ChatParams(msgspec.Struct, frozen=True, rename="camel"):
    """The request's parameters."""

    messages: list[ChatMessage]
    tools: bool | list[ClientTool] = False
    partial_result_token: str | int | None = None


@dataclass(frozen=True, slots=True)
class _Conversation:
    """The conversation to answer, and the token for partial results."""

    messages: tuple[Message, ...]
    token: str | int | None


async def chat(params: Any, services: Services, client: Client) -> dict[str, Any]:
    """Stream the answer, then return it whole."""
    parsed = parse_params(ChatParams, params)
    messages = tuple(map(_to_message, parsed.messages))
    conversation = _Conversation(messages, parsed.partial_result_token)
    if isinstance(parsed.tools, list):
        return await _answer_with_client_tools(conversation, parsed.tools, services, client)
    if parsed.tools and services.tools.settings.enabled:
        return await _answer_with_tools(conversation, services, client)
    model = services.models.chat
    answer = model.chat.stream_text(ChatRequest(messages))
    content, reason = await stream_answer(client, conversation.token, answer)
    return {"content": content, "finishReason": reason.value, "model": model.alias}


async def _answer_with_tools(
    conversation: _Conversation, services: Services, client: Client
) -> dict[str, Any]:
    model, tools = services.models.chat, services.tools
    agent = Agent(model.chat, client.tool_runner, tools.settings.max_steps)
    answer = AgentAnswer((), FinishReason.STOP)
    editor = EditorAdapter(client, tools)
    try:
        async with aclosing(agent.answer(conversation.messages, editor)) as events:
            async for event in events:
                if isinstance(event, AgentAnswer):
                    answer = event
                    continue
                if isinstance(event, ToolCallProgress) and event.result and event.result.change:
                    client.record_change(event.call.id, event.result.change)
                send_progress(client, conversation.token, _render_progress(event))
    except CopilotdError as error:
        raise to_rpc_error(error) from error
    return _render_result(answer, model.alias)


async def _answer_with_client_tools(
    conversation: _Conversation, tools: list[ClientTool], services: Services, client: Client
) -> dict[str, Any]:
    model = services.models.chat
    definitions = tuple(ToolDefinition(t.name, t.description, t.parameters) for t in tools)
    request = ChatRequest(conversation.messages, tools=ToolSet(definitions))
    text, calls, reason = "", list[ToolCall](), FinishReason.STOP
    try:
        async with aclosing(model.chat.stream_events(request)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    reason = event.reason
                elif isinstance(event, ToolCall):
                    calls.append(event)
                    progress = _render_progress(ToolCallProgress(event))
                    send_progress(client, conversation.token, progress)
                elif event.text:
                    text += event.text
                    send_progress(client, conversation.token, _render_progress(event.text))
    except CopilotdError as error:
        raise to_rpc_error(error) from error
    answer = AgentAnswer((AssistantMessage(text, tuple(calls)),), reason)
    return _render_result(answer, model.alias)


def _render_result(answer: AgentAnswer, model: str) -> dict[str, Any]:
    return {
        "content": answer.messages[-1].content,
        "finishReason": answer.reason.value,
        "model": model,
        "messages": [msgspec.to_builtins(_from_message(message)) for message in answer.messages],
    }


def _render_progress(event: str | ToolCallProgress) -> dict[str, Any]:
    if isinstance(event, str):
        return {"delta": event}
    call, result = event.call, event.result
    if result is None:
        return {"call": {"id": call.id, "name": call.name, "arguments": call.arguments}}
    return {
        "result": {
            "id": call.id,
            "title": result.title or call.name,
            "text": result.text,
            "isFailure": result.is_failure,
            "canUndo": bool(result.change),
        }
    }


def _to_message(message: ChatMessage) -> Message:
    if message.role == "tool":
        return ToolResult(message.content, message.call_id, message.name)
    if message.calls:
        return AssistantMessage(message.content, tuple(map(_repair_call, message.calls)))
    turn = Turn(message.content, message.command, message.code, message.diagnostics)
    content = render_turn(turn)
    if message.role == "system":
        return SystemMessage(content)
    return UserMessage(content) if message.role == "user" else AssistantMessage(content)


def _repair_call(call: ToolCall) -> ToolCall:
    return ToolCall(call.id, call.name, repair_arguments(call.arguments))


def _from_message(message: Message) -> ChatMessage:
    match message:
        case ToolResult(content, call_id, name):
            return ChatMessage("tool", content, call_id=call_id, name=name)
        case AssistantMessage(content, calls):
            return ChatMessage("assistant", content, calls=calls)
    raise AssertionError(f"an answer has no {message.role} message")
