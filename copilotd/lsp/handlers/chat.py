"""`copilotd/chat`: answer a conversation that the client keeps, with tools if it wants."""

from contextlib import aclosing
from typing import Any, Literal

import msgspec

from copilotd.chat.agent import Acted, Agent, Answered
from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.messages import mended, resulted, said
from copilotd.chat.tool_calls.types import Tool, Toolbox
from copilotd.chat.turns import Code, Command, Turn, text
from copilotd.engine.types import Finished, FinishReason
from copilotd.errors import CopilotdError
from copilotd.lsp.editor_tools import Workbench
from copilotd.lsp.server import EditorServer
from copilotd.lsp.streaming import failure, progress, read, streamed
from copilotd.prompt.messages import Message, ToolCall


class Call(msgspec.Struct, frozen=True):
    """A call on the wire."""

    id: str
    name: str
    arguments: str = "{}"


class ChatTurn(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message on the wire."""

    role: Literal["user", "assistant", "system", "tool"]
    content: str = ""
    command: Command | None = None
    code: Code | None = None
    diagnostics: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
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
    answer = ls.talker.chat.say(ChatRequest(messages))
    content, reason = await streamed(ls, token, answer)
    return {"content": content, "finishReason": reason.value, "model": ls.talker.alias}


async def _with_tools(
    ls: EditorServer, messages: tuple[Message, ...], token: str | int | None
) -> dict[str, Any]:
    agent = Agent(ls.talker.chat, ls.runner, ls.toolset.settings.max_steps)
    answered = Answered((), FinishReason.STOP)
    try:
        async with aclosing(agent.answer(messages, Workbench(ls))) as events:
            async for event in events:
                if isinstance(event, Answered):
                    answered = event
                    continue
                if isinstance(event, Acted) and event.result and event.result.change:
                    ls.changed(event.call.id, event.result.change)
                progress(ls, token, _shown(event))
    except CopilotdError as error:
        raise failure(error) from error
    return _answer(ls, answered)


async def _with_clients_tools(
    ls: EditorServer, messages: tuple[Message, ...], tools: list[Offered], token: str | int | None
) -> dict[str, Any]:
    toolbox = Toolbox(tuple(Tool(t.name, t.description, t.parameters) for t in tools))
    text, calls, reason = "", list[ToolCall](), FinishReason.STOP
    try:
        async with aclosing(ls.talker.chat.reply(ChatRequest(messages, toolbox=toolbox))) as events:
            async for event in events:
                if isinstance(event, Finished):
                    reason = event.reason
                elif isinstance(event, ToolCall):
                    calls.append(event)
                    progress(ls, token, _shown(Acted(event)))
                elif event.text:
                    text += event.text
                    progress(ls, token, _shown(event.text))
    except CopilotdError as error:
        raise failure(error) from error
    return _answer(ls, Answered((said(text, calls),), reason))


def _answer(ls: EditorServer, answered: Answered) -> dict[str, Any]:
    return {
        "content": answered.messages[-1].content,
        "finishReason": answered.reason.value,
        "model": ls.talker.alias,
        "messages": [msgspec.to_builtins(_turn(message)) for message in answered.messages],
    }


def _shown(event: str | Acted) -> dict[str, Any]:
    if isinstance(event, str):
        return {"delta": event}
    call, result = event.call, event.result
    if result is None:
        return {"call": {"id": call.id, "name": call.name, "arguments": call.arguments}}
    shown = {"id": call.id, "title": result.title or call.name, "text": result.text}
    return {"result": {**shown, "isFailure": result.is_failure, "canUndo": bool(result.change)}}


def _message(turn: ChatTurn) -> Message:
    if turn.role == "tool":
        return resulted(turn.content, turn.call_id, turn.name)
    if turn.calls:
        return said(turn.content, [ToolCall(c.id, c.name, mended(c.arguments)) for c in turn.calls])
    whole = Turn(turn.role, turn.content, turn.command, turn.code, turn.diagnostics)
    return Message(turn.role, text(whole))


def _turn(message: Message) -> ChatTurn:
    if message.role == "tool":
        extra = message.extra
        id, name = str(extra["tool_call_id"]), str(extra.get("name", ""))
        return ChatTurn("tool", message.content, call_id=id, name=name)
    calls = message.extra.get("calls", ())
    assert isinstance(calls, tuple)
    made = tuple(Call(call.id, call.name, call.arguments) for call in calls)
    return ChatTurn("assistant", message.content, calls=made)
