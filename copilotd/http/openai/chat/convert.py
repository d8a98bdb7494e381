"""Between the chat endpoint's fields and our values."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.messages import resulted, said
from copilotd.chat.tool_calls.stream import Heard
from copilotd.chat.tool_calls.types import Called
from copilotd.engine.types import Candidate, Finished, FinishReason, Sampling, TokenLogprob, Usage
from copilotd.http.openai.chat.response_format import schema_of
from copilotd.http.openai.chat.schema import (
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
from copilotd.http.openai.chat.tools import calls, entry, toolbox
from copilotd.http.openai.convert import grammar, sampling, token_text, usage
from copilotd.http.shared.envelope import Envelope
from copilotd.http.shared.parallel import IndexedEvents, Reply
from copilotd.prompt.messages import Message


def chat_requests(body: ChatBody, default: Sampling) -> list[ChatRequest]:
    """One per choice; `default` is for what the client leaves open."""
    messages = messages_of(body.messages)
    return [
        ChatRequest(
            messages=messages,
            max_tokens=_max_tokens(body),
            sampling=sampling(body, default, i),
            stop=tuple(body.stop),
            logprobs=(body.top_logprobs or 0) if body.logprobs else None,
            toolbox=toolbox(body),
            schema=schema_of(body.response_format),
            grammar=grammar(body),
        )
        for i in range(body.n)
    ]


def messages_of(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """The turns of the conversation."""
    return tuple(_message(message) for message in messages)


def completion(body: ChatBody, envelope: Envelope, replies: Sequence[Reply]) -> ChatCompletion:
    """The whole answer."""
    return ChatCompletion(
        **asdict(envelope),
        object="chat.completion",
        choices=[_choice(body, index, reply) for index, reply in enumerate(replies)],
        usage=usage([reply.usage for reply in replies], body.n),
    )


async def chunks(
    body: ChatBody, envelope: Envelope, events: IndexedEvents[Heard]
) -> AsyncGenerator[ChatChunk, None]:
    """The answer in pieces: for each choice the role, the text, and why it ends."""
    begun: set[int] = set()
    called = [0] * body.n
    costs = [Usage()] * body.n
    async with aclosing(events):
        async for index, event in events:
            if index not in begun:
                begun.add(index)
                yield _chunk(envelope, index, Delta(role="assistant", content=""))
            if isinstance(event, Finished):
                costs[index] = event.usage
                yield _chunk(envelope, index, Delta(), reason=event.reason)
            elif isinstance(event, Called):
                yield _chunk(envelope, index, Delta(tool_calls=[_delta(event, called[index])]))
                called[index] += 1
            elif event.text or event.tokens:
                logprobs = _logprobs(body, event.tokens)
                yield _chunk(envelope, index, Delta(content=event.text), logprobs)
    if body.stream_options is not None and body.stream_options.include_usage:
        yield _usage_chunk(envelope, costs)


def _message(message: ChatMessage) -> Message:
    content = message.content
    match message.role:
        case "developer":
            return Message("system", content.text)
        case "assistant":
            return said(content.text, calls(message.tool_calls))
        case "tool":
            return resulted(content.text, message.tool_call_id or "", message.name or "")
    return Message(message.role, content.text, images=content.images)


def _delta(called: Called, index: int) -> CallDelta:
    return CallDelta(index=index, **entry(called).model_dump())


def _answer(reply: Reply) -> AnswerMessage:
    if not reply.calls:
        return AnswerMessage(role="assistant", content=reply.text)
    entries = [entry(call) for call in reply.calls]
    return AnswerMessage(role="assistant", content=reply.text or None, tool_calls=entries)


def _max_tokens(body: ChatBody) -> int | None:
    limit = body.max_completion_tokens or body.max_tokens
    return None if limit == -1 else limit


def _choice(body: ChatBody, index: int, reply: Reply) -> ChatChoice:
    return ChatChoice(
        index=index,
        message=_answer(reply),
        logprobs=_logprobs(body, reply.tokens),
        finish_reason=reply.reason,
    )


def _chunk(
    envelope: Envelope,
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
    return ChatChunk(**asdict(envelope), object="chat.completion.chunk", choices=[choice])


def _usage_chunk(envelope: Envelope, costs: Sequence[Usage]) -> ChatChunk:
    return ChatChunk(
        **asdict(envelope),
        object="chat.completion.chunk",
        choices=[],
        usage=usage(costs, len(costs)),
    )


def _logprobs(body: ChatBody, tokens: Sequence[TokenLogprob]) -> ChatLogprobs | None:
    if not body.logprobs:
        return None
    return ChatLogprobs(content=[_token(token) for token in tokens])


def _token(token: TokenLogprob) -> ChatTokenLogprob:
    return ChatTokenLogprob(
        token=token_text(token.text),
        # Only the first token of a prompt has none, and a chat never reports its prompt.
        logprob=token.logprob or 0.0,
        bytes=list(token.text),
        top_logprobs=[_candidate(candidate) for candidate in token.top],
    )


def _candidate(candidate: Candidate) -> ChatCandidate:
    text = candidate.text
    return ChatCandidate(token=token_text(text), logprob=candidate.logprob, bytes=list(text))
