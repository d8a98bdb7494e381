"""Converts between the fields of chat completions and copilotd's values."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.engine.types import (
    Finished,
    FinishReason,
    Sampling,
    TokenAlternative,
    TokenLogprob,
    Usage,
)
from copilotd.http.shared.chat_completions.response_format import find_schema
from copilotd.http.shared.chat_completions.schema import (
    AnswerMessage,
    CallDelta,
    ChatBody,
    ChatCandidate,
    ChatChoice,
    ChatChunk,
    ChatCompletion,
    ChatLogprobs,
    ChatMessage,
    ChatTokenLogprob,
    ChunkChoice,
    Delta,
)
from copilotd.http.shared.chat_completions.tools import parse_calls, parse_tools, write_call
from copilotd.http.shared.generation import build_sampling, parse_grammar
from copilotd.http.shared.parallel import IndexedEvents, Reply
from copilotd.http.shared.response_meta import ResponseMeta
from copilotd.http.shared.usage import decode_token, sum_usage
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)


def build_chat_requests(body: ChatBody, default: Sampling) -> list[ChatRequest]:
    """One request for each choice; `default` fills the fields that the client left out."""
    messages = parse_messages(body.messages)
    return [
        ChatRequest(
            messages=messages,
            max_tokens=_find_limit(body),
            sampling=build_sampling(body, default, i),
            stop=tuple(body.stop),
            logprobs=(body.top_logprobs or 0) if body.logprobs else None,
            tools=parse_tools(body),
            schema=find_schema(body.response_format),
            grammar=parse_grammar(body),
        )
        for i in range(body.n)
    ]


def parse_messages(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """The messages of the conversation."""
    return tuple(_parse_message(message) for message in messages)


def build_completion(
    body: ChatBody, meta: ResponseMeta, replies: Sequence[Reply]
) -> ChatCompletion:
    """The whole response."""
    return ChatCompletion(
        **asdict(meta),
        object="chat.completion",
        choices=[_build_choice(body, index, reply) for index, reply in enumerate(replies)],
        usage=sum_usage([reply.usage for reply in replies], body.n),
    )


async def stream_chunks(
    body: ChatBody, meta: ResponseMeta, events: IndexedEvents[ChatEvent]
) -> AsyncGenerator[ChatChunk, None]:
    """The response in pieces: for each choice the role, the text, and the finish reason."""
    started: set[int] = set()
    call_counts = [0] * body.n
    costs = [Usage()] * body.n
    async with aclosing(events):
        async for index, event in events:
            if index not in started:
                started.add(index)
                yield _build_chunk(meta, index, Delta(role="assistant", content=""))
            if isinstance(event, Finished):
                costs[index] = event.usage
                yield _build_chunk(meta, index, Delta(), reason=event.reason)
            elif isinstance(event, ToolCall):
                yield _build_chunk(
                    meta, index, Delta(tool_calls=[_build_call_delta(event, call_counts[index])])
                )
                call_counts[index] += 1
            elif event.text or event.tokens:
                logprobs = _build_logprobs(body, event.tokens)
                yield _build_chunk(meta, index, Delta(content=event.text), logprobs)
    if body.stream_options is not None and body.stream_options.include_usage:
        yield _build_usage_chunk(meta, costs)


def _parse_message(message: ChatMessage) -> Message:
    content = message.content
    match message.role:
        case "system" | "developer":
            return SystemMessage(content.text)
        case "assistant":
            return AssistantMessage(content.text, parse_calls(message.tool_calls))
        case "tool":
            return ToolResult(content.text, message.tool_call_id or "", message.name or "")
        case "user":
            return UserMessage(content.text, content.images)


def _build_call_delta(call: ToolCall, index: int) -> CallDelta:
    return CallDelta(index=index, **write_call(call).model_dump())


def _build_message(reply: Reply) -> AnswerMessage:
    if not reply.calls:
        return AnswerMessage(role="assistant", content=reply.text)
    entries = [write_call(call) for call in reply.calls]
    return AnswerMessage(role="assistant", content=reply.text or None, tool_calls=entries)


def _find_limit(body: ChatBody) -> int | None:
    limit = body.max_completion_tokens or body.max_tokens
    return None if limit == -1 else limit


def _build_choice(body: ChatBody, index: int, reply: Reply) -> ChatChoice:
    return ChatChoice(
        index=index,
        message=_build_message(reply),
        logprobs=_build_logprobs(body, reply.tokens),
        finish_reason=reply.reason,
    )


def _build_chunk(
    meta: ResponseMeta,
    index: int,
    delta: Delta,
    logprobs: ChatLogprobs | None = None,
    reason: FinishReason | None = None,
) -> ChatChunk:
    choice = ChunkChoice(
        index=index,
        delta=delta,
        logprobs=logprobs,
        finish_reason=reason,
    )
    return ChatChunk(**asdict(meta), object="chat.completion.chunk", choices=[choice])


def _build_usage_chunk(meta: ResponseMeta, costs: Sequence[Usage]) -> ChatChunk:
    return ChatChunk(
        **asdict(meta),
        object="chat.completion.chunk",
        choices=[],
        usage=sum_usage(costs, len(costs)),
    )


def _build_logprobs(body: ChatBody, tokens: Sequence[TokenLogprob]) -> ChatLogprobs | None:
    if not body.logprobs:
        return None
    return ChatLogprobs(content=[_to_token_logprob(token) for token in tokens])


def _to_token_logprob(token: TokenLogprob) -> ChatTokenLogprob:
    return ChatTokenLogprob(
        token=decode_token(token.text),
        # Only the first token of a prompt has no log probability, and a chat never reports its
        # prompt.
        logprob=token.logprob or 0.0,
        bytes=list(token.text),
        top_logprobs=[_to_candidate(candidate) for candidate in token.top],
    )


def _to_candidate(candidate: TokenAlternative) -> ChatCandidate:
    text = candidate.text
    return ChatCandidate(token=decode_token(text), logprob=candidate.logprob, bytes=list(text))
