"""One answer to a conversation: template, budget, engine."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from copilotd.config import ChatSection
from copilotd.engine.protocol import Engine
from copilotd.errors import ContextOverflow
from copilotd.prompt.chat import render
from copilotd.types import (
    Chunk,
    Finished,
    GenerateRequest,
    Lane,
    Message,
    ModelInfo,
    Sampling,
)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation that waits for an answer; None takes the setting's value."""

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    sampling: Sampling | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None


class ChatService:
    """Answers conversations with the loaded model."""

    def __init__(self, engine: Engine, settings: ChatSection) -> None:
        self._engine = engine
        self.settings = settings

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the answer, then `Finished`; closing the generator frees the engine.

        Raises: EngineError; ContextOverflow if the conversation leaves no room for an answer.
        """
        info = await self._engine.info()
        text = render(info, self._with_system(request.messages))
        prompt = await self._engine.tokenize(text, special=True)
        wanted = self._generation(request, info, prompt)
        async with aclosing(self._engine.generate(wanted)) as events:
            async for event in events:
                yield event

    def _with_system(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if (messages and messages[0].role == "system") or not self.settings.system_prompt:
            return messages
        return (Message("system", self.settings.system_prompt), *messages)

    def _generation(
        self, request: ChatRequest, info: ModelInfo, prompt: list[int]
    ) -> GenerateRequest:
        room = info.n_ctx - len(prompt)
        if room < 1:
            raise ContextOverflow(
                f"the conversation has {len(prompt)} tokens, the context {info.n_ctx}",
                "Start a new conversation, or raise model.n_ctx.",
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
        )
