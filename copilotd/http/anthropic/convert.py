"""Between Anthropic's fields and our values."""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import groupby
from uuid import uuid4

import msgspec

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.messages import resulted, said
from copilotd.chat.tool_calls.stream import Heard
from copilotd.chat.tool_calls.types import Called, Choice, Tool, Toolbox
from copilotd.engine.types import Finished, FinishReason, Sampling, Usage
from copilotd.http.anthropic.blocks import ImageBlock, TextBlock, ToolResultBlock, ToolUseBlock
from copilotd.http.anthropic.schema import (
    AnswerBlock,
    ConversationBody,
    InputMessage,
    MessageAnswer,
    MessagesBody,
    MessageUsage,
    StopReason,
    ToolChoice,
)
from copilotd.prompt.messages import IMAGE, Message

_CHOICES: Mapping[str, Choice] = {
    "auto": Choice.AUTO,
    "any": Choice.REQUIRED,
    "tool": Choice.REQUIRED,
    "none": Choice.NONE,
}
_REASONS: Mapping[FinishReason, StopReason] = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
}


def conversation(body: ConversationBody) -> ChatRequest:
    """What is to be answered. A last message of the assistant is the beginning of the answer."""
    box, messages = _toolbox(body), tuple(_messages(body))
    last = messages[-1]
    # A call that is required begins an answer itself.
    if last.role != "assistant" or last.extra or box.choice is Choice.REQUIRED:
        return ChatRequest(messages, toolbox=box)
    return ChatRequest(messages[:-1], opening=last.content, toolbox=box)


def chat_request(body: MessagesBody, default: Sampling) -> ChatRequest:
    """What is to be answered, and how; `default` is for what the client leaves open."""
    return replace(
        conversation(body),
        max_tokens=body.max_tokens,
        sampling=_sampling(body, default),
        stop=tuple(body.stop_sequences),
    )


async def whole(model: str, heard: AsyncGenerator[Heard, None]) -> MessageAnswer:
    """The answer once it is complete."""
    parts: list[str | Called] = []
    finished = Finished(FinishReason.STOP, Usage())
    async with aclosing(heard):
        async for one in heard:
            if isinstance(one, Finished):
                finished = one
            elif isinstance(one, Called):
                parts.append(one)
            elif parts and isinstance(parts[-1], str):
                parts[-1] += one.text
            else:
                parts.append(one.text)
    content = [_block(part) for part in parts if part]
    return begun(model, finished.usage).model_copy(update={"content": content, **ending(finished)})


def begun(model: str, cost: Usage) -> MessageAnswer:
    """The answer of which nothing is there yet."""
    return MessageAnswer(id=f"msg_{uuid4().hex}", model=model, usage=usage(cost))


def usage(cost: Usage) -> MessageUsage:
    """What the request cost."""
    return MessageUsage(
        input_tokens=cost.prompt_tokens - cost.cached_tokens,
        cache_read_input_tokens=cost.cached_tokens,
        output_tokens=cost.completion_tokens,
    )


def ending(finished: Finished) -> dict[str, str | None]:
    """Why the answer ends, in the two fields that say so."""
    if finished.reason is FinishReason.STOP and finished.stop:
        return {"stop_reason": "stop_sequence", "stop_sequence": finished.stop}
    return {"stop_reason": _REASONS[finished.reason], "stop_sequence": None}


def _block(part: str | Called) -> AnswerBlock:
    if isinstance(part, str):
        return TextBlock(type="text", text=part)
    arguments = json.loads(part.arguments)
    return ToolUseBlock(type="tool_use", id=part.id, name=part.name, input=arguments)


def _sampling(body: MessagesBody, default: Sampling) -> Sampling:
    named = {"temperature": body.temperature, "top_p": body.top_p, "top_k": body.top_k}
    given = {name: value for name, value in named.items() if value is not None}
    return msgspec.structs.replace(default, **given)


def _messages(body: ConversationBody) -> Iterator[Message]:
    """The turns as templates know them, where results are messages of their own."""
    blocks = [block for message in body.messages for block in message.content]
    names = {block.id: block.name for block in blocks if isinstance(block, ToolUseBlock)}
    if body.system:
        yield Message("system", body.system)
    for message in body.messages:
        yield from _turn(message, names)


def _turn(message: InputMessage, names: Mapping[str, str]) -> Iterator[Message]:
    shown = [block for block in message.content if isinstance(block, TextBlock | ImageBlock)]
    runs = (list(run) for _, run in groupby(shown, lambda block: isinstance(block, TextBlock)))
    text = "".join(map(_run, runs))
    if message.role == "assistant":
        calls = [_called(block) for block in message.content if isinstance(block, ToolUseBlock)]
        yield said(text, calls)
        return
    results = [block for block in message.content if isinstance(block, ToolResultBlock)]
    yield from (_result(block, names) for block in results)
    if text or not results:
        images = tuple(block.image() for block in shown if isinstance(block, ImageBlock))
        yield Message(message.role, text, images=images)


def _run(blocks: Sequence[TextBlock | ImageBlock]) -> str:
    """Texts in a row stand on lines of their own, images where they are."""
    texts = [block.text for block in blocks if isinstance(block, TextBlock)]
    return "\n".join(texts) if texts else IMAGE * len(blocks)


def _called(block: ToolUseBlock) -> Called:
    return Called(block.id, block.name, json.dumps(block.input))


def _result(block: ToolResultBlock, names: Mapping[str, str]) -> Message:
    # Templates have no place for a failure but the text.
    text = f"Error: {block.content}" if block.is_error else block.content
    return resulted(text, block.tool_use_id, names.get(block.tool_use_id, ""))


def _toolbox(body: ConversationBody) -> Toolbox:
    choice = body.tool_choice or ToolChoice(type="auto")
    tools = tuple(
        Tool(tool.name, tool.description or "", tool.input_schema)
        for tool in body.tools or []
        if choice.type != "tool" or tool.name == choice.name
    )
    return Toolbox(tools, _CHOICES[choice.type], not choice.disable_parallel_tool_use)
