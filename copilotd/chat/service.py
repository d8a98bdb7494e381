"""Answers one conversation: images, prompt, grammar, engine, then the calls in the output."""

import dataclasses
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from copilotd.chat.images import list_image_files, load_images
from copilotd.chat.tool_calls.formats import CallFormat, detect_format
from copilotd.chat.tool_calls.grammar import (
    PROSE_GRAMMAR,
    MarkSymbols,
    build_call_grammar,
    build_schema_grammar,
    to_symbol,
)
from copilotd.chat.tool_calls.ids import create_call_id
from copilotd.chat.tool_calls.messages import adapt_to_template
from copilotd.chat.tool_calls.parser import ToolCallParser
from copilotd.chat.tool_calls.stream import ChatEvent, separate_calls
from copilotd.chat.tool_calls.types import ToolChoice, ToolSet
from copilotd.chat.truncation import drop_oldest_exchange
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.engine.image_refs import encode_image_ref
from copilotd.engine.interface import Engine
from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    GenerateRequest,
    Grammar,
    Lane,
    ModelInfo,
    Sampling,
)
from copilotd.errors import ContextOverflow, InvalidRequest
from copilotd.prompt.chat import ImageRef, PromptPart, render_chat
from copilotd.prompt.messages import IMAGE_PLACEHOLDER, Message, SystemMessage

_MIN_ANSWER_TOKENS = 256
"""Truncation leaves this much of the context for the answer."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to answer; None means the value of the settings.

    `answer_prefix` is the beginning of the answer; the model continues from there. The answer
    conforms to `schema`, a JSON schema, or to `grammar`, if either is given. With `may_truncate` a
    conversation that is too long loses its middle instead of failing.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    sampling: Sampling | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    answer_prefix: str = ""
    tools: ToolSet = field(default_factory=ToolSet)
    schema: Mapping[str, Any] | None = None
    grammar: Grammar | None = None
    may_truncate: bool | None = None


class ChatService:
    """Answers conversations with the loaded model; `create_id` makes the ids of its calls."""

    def __init__(
        self,
        engine: Engine,
        settings: Live[ChatSection],
        create_id: Callable[[], str] = create_call_id,
    ) -> None:
        self._engine = engine
        self._create_id = create_id
        self._settings = settings

    @property
    def settings(self) -> ChatSection:
        """The settings in force now."""
        return self._settings.current

    async def stream_events(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Stream the answer, then `Finished`; closing the generator frees the engine.

        Raises:
            EngineError: the model cannot be loaded, or fails.
            ContextOverflow: the conversation leaves no room for an answer.
            InvalidRequest: the schema, the grammar or an image cannot be used.

        """
        info = await self._engine.info()
        messages = await load_images(request.messages, info, self.settings)
        request = dataclasses.replace(request, messages=messages)
        request, prompt = await self._fit_prompt(request, info)
        call_format = detect_format(info)
        grammar = await self._build_grammar(request, call_format)
        generation = replace(self._build_generation(request, info, prompt), grammar=grammar)
        async with aclosing(self._engine.generate(generation)) as events:
            answer: AsyncGenerator[ChatEvent, None] = events
            if request.tools.is_callable:
                answer = separate_calls(events, self._create_parser(request, call_format))
            async with aclosing(answer):
                async for event in answer:
                    yield event

    async def stream_text(self, request: ChatRequest) -> AsyncGenerator[str | FinishReason, None]:
        """Stream the text of the answer, then why it ended. Raises: as `stream_events`."""
        async with aclosing(self.stream_events(request)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield event.reason
                elif isinstance(event, Chunk):
                    yield event.text

    async def count_tokens(self, request: ChatRequest) -> int:
        """Count the tokens of the prompt; an image counts as one. Raises: EngineError."""
        return len(await self._tokenize_prompt(request, await self._engine.info()))

    async def render_prompt(self, request: ChatRequest) -> str:
        """Return the prompt as text. Raises: EngineError."""
        parts = self._render_parts(request, await self._engine.info())
        return "".join(IMAGE_PLACEHOLDER if isinstance(p, ImageRef) else p for p in parts)

    async def count_free_tokens(self, request: ChatRequest) -> int:
        """Count the tokens of the context that are left for the answer. Raises: EngineError."""
        return (await self._engine.info()).n_ctx - await self.count_tokens(request)

    async def _fit_prompt(
        self, request: ChatRequest, info: ModelInfo
    ) -> tuple[ChatRequest, list[int]]:
        """Return the request and its prompt, truncated if that is needed and allowed."""
        prompt = await self._tokenize_prompt(request, info)
        by_settings = self.settings.overflow == "shorten"
        may_truncate = by_settings if request.may_truncate is None else request.may_truncate
        answer = min(request.max_tokens or _MIN_ANSWER_TOKENS, _MIN_ANSWER_TOKENS)
        while may_truncate and len(prompt) + answer > info.n_ctx:
            messages = drop_oldest_exchange(self._add_system_message(request.messages))
            if messages is None:
                break
            request = dataclasses.replace(request, messages=messages)
            prompt = await self._tokenize_prompt(request, info)
        return request, prompt

    async def _tokenize_prompt(self, request: ChatRequest, info: ModelInfo) -> list[int]:
        """Return the prompt's token ids, with an image reference for each image."""
        tokens: list[int] = []
        images = 0
        for part in self._render_parts(request, info):
            if isinstance(part, ImageRef):
                tokens.append(encode_image_ref(part.index))
                images += 1
            else:
                tokens += await self._engine.tokenize(part, special=True)
        if images != len(list_image_files(request.messages)):
            raise InvalidRequest(
                "the model's chat template does not place every image exactly once"
            )
        return tokens

    def _render_parts(self, request: ChatRequest, info: ModelInfo) -> list[PromptPart]:
        messages, definitions = adapt_to_template(
            info, self._add_system_message(request.messages), request.tools.visible
        )
        answer_prefix = request.answer_prefix or _call_prefix(request, detect_format(info))
        return render_chat(info, messages, definitions, answer_prefix)

    def _add_system_message(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        match messages:
            case [SystemMessage(), *_]:
                return messages
            case _ if self.settings.system_prompt:
                return (SystemMessage(self.settings.system_prompt), *messages)
            case _:
                return messages

    async def _build_grammar(self, request: ChatRequest, call_format: CallFormat) -> Grammar | None:
        if request.tools.is_callable:
            marks = MarkSymbols(
                await self._to_symbol(call_format.start_mark),
                await self._to_symbol(call_format.end_mark),
            )
            return build_call_grammar(
                request.tools, call_format, marks, request.schema, self.settings.call_from
            )
        if request.schema is not None:
            return build_schema_grammar(request.schema)
        return PROSE_GRAMMAR if request.tools.visible else request.grammar

    async def _to_symbol(self, text: str) -> str:
        return to_symbol(text, await self._engine.tokenize(text, special=True) if text else [])

    def _create_parser(self, request: ChatRequest, call_format: CallFormat) -> ToolCallParser:
        names = {tool.name for tool in request.tools.definitions}
        parser = ToolCallParser(call_format, self._create_id, names)
        if request.tools.choice is ToolChoice.REQUIRED:
            parser.begin_in_call()
        return parser

    def _build_generation(
        self, request: ChatRequest, info: ModelInfo, prompt: list[int]
    ) -> GenerateRequest:
        room = info.n_ctx - len(prompt)
        if room < 1:
            raise ContextOverflow(
                f"the conversation has {len(prompt)} tokens, the context {info.n_ctx}",
                "Start a new conversation, or raise model.n_ctx.",
                len(prompt),
                info.n_ctx,
            )
        # A client's own limit is a contract; the default of the settings shrinks to the room that
        # is left.
        max_tokens = request.max_tokens or min(self.settings.max_tokens, room)
        return GenerateRequest(
            prompt=prompt,
            max_tokens=max_tokens,
            sampling=request.sampling or Sampling(temperature=self.settings.temperature),
            stop=list(request.stop),
            lane=Lane.CHAT,
            logprobs=request.logprobs,
            images=list_image_files(request.messages),
        )


def _call_prefix(request: ChatRequest, call_format: CallFormat) -> str:
    """The beginning of a call, if one is required."""
    is_required = request.tools.is_callable and request.tools.choice is ToolChoice.REQUIRED
    return call_format.call_prefix if is_required else ""
