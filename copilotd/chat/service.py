"""One answer to a conversation: template, budget, engine, calls."""

import dataclasses
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from copilotd.chat.images import files, shown
from copilotd.chat.tool_calls.formats import Notation, notation_of
from copilotd.chat.tool_calls.grammar import PROSE, Marks, mark, of_calls, of_schema
from copilotd.chat.tool_calls.ids import new_id
from copilotd.chat.tool_calls.messages import for_template
from copilotd.chat.tool_calls.parser import CallReader
from copilotd.chat.tool_calls.stream import Heard, told
from copilotd.chat.tool_calls.types import Choice, Toolbox
from copilotd.chat.truncation import shortened
from copilotd.config import ChatSection
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
from copilotd.prompt.chat import render
from copilotd.prompt.messages import IMAGE, Message

_ROOM = 256
"""Tokens that a conversation is shortened to leave for its answer."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation that waits for an answer; None takes the setting's value.

    `opening` is what the answer begins with: it is given to the model and not written by it. The
    answer keeps to `schema`, a JSON schema, or to `grammar`, if one of them is given. One that
    `shortens` loses its middle rather than failing when it is too long; None takes the setting.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    sampling: Sampling | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    opening: str = ""
    toolbox: Toolbox = field(default_factory=Toolbox)
    schema: Mapping[str, Any] | None = None
    grammar: Grammar | None = None
    shortens: bool | None = None


class ChatService:
    """Answers conversations with the loaded model; `new_id` names the calls that it makes."""

    def __init__(
        self, engine: Engine, settings: ChatSection, new_id: Callable[[], str] = new_id
    ) -> None:
        self._engine = engine
        self._new_id = new_id
        self.settings = settings

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Heard, None]:
        """Stream the answer, then `Finished`; closing the generator frees the engine.

        Raises: EngineError; ContextOverflow if the conversation leaves no room for an answer;
            InvalidRequest for a schema or a grammar that makes no sense.
        """
        info = await self._engine.info()
        messages = await shown(request.messages, info, self.settings)
        request = dataclasses.replace(request, messages=messages)
        request, prompt = await self._fitted(request, info)
        notation = notation_of(info)
        grammar = await self._grammar(request, notation)
        wanted = replace(self._generation(request, info, prompt), grammar=grammar)
        async with aclosing(self._engine.generate(wanted)) as events:
            is_open = request.toolbox.is_open
            answer = told(events, self._reader(request, notation)) if is_open else events
            async with aclosing(answer):
                async for event in answer:
                    yield event

    async def say(self, request: ChatRequest) -> AsyncGenerator[str | FinishReason, None]:
        """`reply` for who wants the text alone: its pieces, then why it ended. Raises: as that."""
        async with aclosing(self.reply(request)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield event.reason
                elif isinstance(event, Chunk):
                    yield event.text

    async def count(self, request: ChatRequest) -> int:
        """Tokens of the prompt, in which an image counts as one. Raises: EngineError."""
        return len(await self._prompt(request, await self._engine.info()))

    async def rendered(self, request: ChatRequest) -> str:
        """The prompt as text. Raises: EngineError."""
        return "".join(self._pieces(request, await self._engine.info()))

    async def room(self, request: ChatRequest) -> int:
        """Tokens of the context that are left for an answer. Raises: EngineError."""
        return (await self._engine.info()).n_ctx - await self.count(request)

    async def _prompt(self, request: ChatRequest, info: ModelInfo) -> list[int]:
        """The tokens; -1 stands for the first image, -2 for the second, and so on."""
        tokens: list[int] = []
        images = 0
        for piece in self._pieces(request, info):
            for i, text in enumerate(piece.split(IMAGE)):
                if i:
                    images += 1
                    tokens.append(-images)
                tokens += await self._engine.tokenize(text, special=True)
        if images != len(files(request.messages)):
            raise InvalidRequest("the model's chat template does not show each image once")
        return tokens

    def _pieces(self, request: ChatRequest, info: ModelInfo) -> list[str]:
        messages, signatures = for_template(
            info, self._with_system(request.messages), request.toolbox.shown
        )
        opening = request.opening or _begun(request, notation_of(info))
        *pieces, last = render(info, messages, signatures)
        return [*pieces, last + opening]

    async def _fitted(self, request: ChatRequest, info: ModelInfo) -> tuple[ChatRequest, list[int]]:
        """The request and its prompt, shortened if it shall be and has to."""
        prompt = await self._prompt(request, info)
        by_setting = self.settings.overflow == "shorten"
        shortens = by_setting if request.shortens is None else request.shortens
        answer = min(request.max_tokens or _ROOM, _ROOM)
        while shortens and len(prompt) + answer > info.n_ctx:
            messages = shortened(self._with_system(request.messages))
            if messages is None:
                break
            request = dataclasses.replace(request, messages=messages)
            prompt = await self._prompt(request, info)
        return request, prompt

    def _with_system(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if (messages and messages[0].role == "system") or not self.settings.system_prompt:
            return messages
        return (Message("system", self.settings.system_prompt), *messages)

    async def _grammar(self, request: ChatRequest, notation: Notation) -> Grammar | None:
        if request.toolbox.is_open:
            marks = Marks(await self._mark(notation.opens), await self._mark(notation.closes))
            return of_calls(
                request.toolbox, notation, marks, request.schema, self.settings.call_from
            )
        if request.schema is not None:
            return of_schema(request.schema)
        return PROSE if request.toolbox.shown else request.grammar

    async def _mark(self, text: str) -> str:
        return mark(text, await self._engine.tokenize(text, special=True) if text else [])

    def _reader(self, request: ChatRequest, notation: Notation) -> CallReader:
        names = {tool.name for tool in request.toolbox.tools}
        reader = CallReader(notation, self._new_id, names)
        if request.toolbox.choice is Choice.REQUIRED:
            reader.opened()
        return reader

    def _generation(
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
        # A limit that the client named is a contract; our own default gives way to the room.
        limit = request.max_tokens or min(self.settings.max_tokens, room)
        return GenerateRequest(
            prompt=prompt,
            max_tokens=limit,
            sampling=request.sampling or Sampling(temperature=self.settings.temperature),
            stop=list(request.stop),
            lane=Lane.CHAT,
            logprobs=request.logprobs,
            images=files(request.messages),
        )


def _begun(request: ChatRequest, notation: Notation) -> str:
    """The opening of a call that is required."""
    is_required = request.toolbox.is_open and request.toolbox.choice is Choice.REQUIRED
    return notation.beginning if is_required else ""
