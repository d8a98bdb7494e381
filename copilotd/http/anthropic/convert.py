"""Converts between Anthropic's fields and copilotd's values."""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import groupby
from uuid import uuid4

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.chat.tool_calls.types import ToolChoice, ToolDefinition, ToolSet
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
)
from copilotd.http.shared.generation import override_sampling
from copilotd.prompt.messages import (
    IMAGE_PLACEHOLDER,
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)

_CHOICES: Mapping[str, ToolChoice] = {
    "auto": ToolChoice.AUTO,
    "any": ToolChoice.REQUIRED,
    "tool": ToolChoice.REQUIRED,
    "none": ToolChoice.NONE,
}
_REASONS: Mapping[FinishReason, StopReason] = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
}


def parse_conversation(body: ConversationBody) -> ChatRequest:
    """The conversation; if its last message is the assistant's, the answer continues it."""
    tools, messages = _parse_tools(body), tuple(_parse_messages(body))
    last = messages[-1]
    # The prefix of a required call begins the answer, so no other text can.
    if not isinstance(last, AssistantMessage) or last.calls or tools.choice is ToolChoice.REQUIRED:
        return ChatRequest(messages, tools=tools)
    return ChatRequest(messages[:-1], answer_prefix=last.content, tools=tools)


def parse_chat_request(body: MessagesBody, default: Sampling) -> ChatRequest:
    """The whole request; `default` fills the fields that the client left out."""
    return replace(
        parse_conversation(body),
        max_tokens=body.max_tokens,
        sampling=override_sampling(
            default, temperature=body.temperature, top_p=body.top_p, top_k=body.top_k
        ),
        stop=tuple(body.stop_sequences),
    )


async def collect_message(model: str, events: AsyncGenerator[ChatEvent, None]) -> MessageAnswer:
    """The whole message, once the model has finished."""
    parts: list[str | ToolCall] = []
    finished = Finished(FinishReason.STOP, Usage())
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                finished = event
            elif isinstance(event, ToolCall):
                parts.append(event)
            elif parts and isinstance(parts[-1], str):
                parts[-1] += event.text
            else:
                parts.append(event.text)
    content = [_to_block(part) for part in parts if part]
    message = start_message(model, finished.usage)
    return message.model_copy(update={"content": content, **describe_stop(finished)})


def start_message(model: str, usage: Usage) -> MessageAnswer:
    """The message before it has any content."""
    return MessageAnswer(id=f"msg_{uuid4().hex}", model=model, usage=to_message_usage(usage))


def to_message_usage(usage: Usage) -> MessageUsage:
    """The cost of the request, in tokens."""
    return MessageUsage(
        input_tokens=usage.prompt_tokens - usage.cached_tokens,
        cache_read_input_tokens=usage.cached_tokens,
        output_tokens=usage.completion_tokens,
    )


def describe_stop(finished: Finished) -> dict[str, str | None]:
    """The two fields that say why the answer ended."""
    if finished.reason is FinishReason.STOP and finished.stop_text:
        return {"stop_reason": "stop_sequence", "stop_sequence": finished.stop_text}
    return {"stop_reason": _REASONS[finished.reason], "stop_sequence": None}


def _to_block(part: str | ToolCall) -> AnswerBlock:
    if isinstance(part, str):
        return TextBlock(type="text", text=part)
    arguments = json.loads(part.arguments)
    return ToolUseBlock(type="tool_use", id=part.id, name=part.name, input=arguments)


def _parse_messages(body: ConversationBody) -> Iterator[Message]:
    """The messages as chat templates expect them: each result is a message of its own."""
    blocks = [block for message in body.messages for block in message.content]
    names = {block.id: block.name for block in blocks if isinstance(block, ToolUseBlock)}
    if body.system:
        yield SystemMessage(body.system)
    for message in body.messages:
        yield from _parse_turn(message, names)


def _parse_turn(message: InputMessage, names: Mapping[str, str]) -> Iterator[Message]:
    parts = [block for block in message.content if isinstance(block, TextBlock | ImageBlock)]
    runs = (list(run) for _, run in groupby(parts, lambda block: isinstance(block, TextBlock)))
    text = "".join(map(_join_run, runs))
    if message.role == "assistant":
        calls = [_parse_call(block) for block in message.content if isinstance(block, ToolUseBlock)]
        yield AssistantMessage(text, tuple(calls))
        return
    results = [block for block in message.content if isinstance(block, ToolResultBlock)]
    yield from (_parse_result(block, names) for block in results)
    if text or not results:
        images = tuple(block.image() for block in parts if isinstance(block, ImageBlock))
        kind = SystemMessage if message.role == "system" else UserMessage
        yield kind(text, images)


def _join_run(blocks: Sequence[TextBlock | ImageBlock]) -> str:
    """The text of several blocks: texts are joined with newlines, images become placeholders."""
    texts = [block.text for block in blocks if isinstance(block, TextBlock)]
    return "\n".join(texts) if texts else IMAGE_PLACEHOLDER * len(blocks)


def _parse_call(block: ToolUseBlock) -> ToolCall:
    return ToolCall(block.id, block.name, json.dumps(block.input))


def _parse_result(block: ToolResultBlock, names: Mapping[str, str]) -> Message:
    # Chat templates have no field for a failure, so the text says it.
    text = f"Error: {block.content}" if block.is_error else block.content
    return ToolResult(text, block.tool_use_id, names.get(block.tool_use_id, ""))


def _parse_tools(body: ConversationBody) -> ToolSet:
    choice = body.tool_choice
    definitions = tuple(
        ToolDefinition(tool.name, tool.description or "", tool.input_schema)
        for tool in body.tools or []
        if choice is None or choice.type != "tool" or tool.name == choice.name
    )
    if choice is None:
        return ToolSet(definitions)
    return ToolSet(definitions, _CHOICES[choice.type], not choice.disable_parallel_tool_use)
