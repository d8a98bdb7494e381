"""The models under test: in the running daemon, or loaded here if no daemon runs."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from typing import Protocol

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.cli.daemon_client import DaemonClient
from copilotd.cli.views.loading import wait_for_model
from copilotd.completion.raw_text import TextRequest, TextService
from copilotd.config import Settings
from copilotd.config.live import Live
from copilotd.engine.types import Chunk, ModelInfo, Phase
from copilotd.errors import EngineLoadFailed
from copilotd.lifecycle import RunningDaemon
from copilotd.prompt.messages import UserMessage
from copilotd.serving.engines import EnginePool, ModelRequest, build_engine_pool


class Subject(Protocol):
    """The questions of the self-test. Raises (all methods): EngineError, NotRunning."""

    def info(self) -> ModelInfo:
        """The loaded model."""
        ...

    def chat_info(self) -> ModelInfo | None:
        """The model for chat; None if it is the same."""
        ...

    def fill(self, before: str, after: str, max_tokens: int) -> str:
        """The text between `before` and `after`."""
        ...

    def ask(self, question: str) -> str:
        """The answer to a question."""
        ...


@contextmanager
def open_subject(
    running: RunningDaemon | None, settings: Settings, models: Sequence[ModelRequest]
) -> Iterator[Subject]:
    """The models that serve, or would serve, this user."""
    if running is not None:
        with DaemonClient(running) as connection:
            yield _Remote(connection)
        return
    with asyncio.Runner() as runner:
        built = build_engine_pool(models, settings)
        try:
            yield _Local(runner, built, settings)
        finally:
            for engine in built.all:
                runner.run(engine.close())


class _Remote:
    def __init__(self, connection: DaemonClient) -> None:
        self._connection = connection

    def info(self) -> ModelInfo:
        status = wait_for_model(self._connection)
        if status.model is None or status.state.phase is Phase.FAILED:
            raise EngineLoadFailed(f"the model is not loaded: {status.state.detail}")
        return status.model

    def chat_info(self) -> ModelInfo | None:
        if (chat := self._connection.status().chat) is None:
            return None
        self._connection.load(chat.alias)
        loaded = self._connection.status().chat
        return loaded.model if loaded else None

    def fill(self, before: str, after: str, max_tokens: int) -> str:
        return self._connection.fill(before, after, max_tokens)

    def ask(self, question: str) -> str:
        with closing(self._connection.answer([UserMessage(question)])) as pieces:
            return "".join(pieces)


class _Local:
    def __init__(self, runner: asyncio.Runner, pool: EnginePool, settings: Settings) -> None:
        self._runner = runner
        self._pool = pool
        self._text = TextService(pool.completion)
        self._chat = ChatService(pool.chat or pool.completion, Live(settings.chat))

    def info(self) -> ModelInfo:
        return self._runner.run(self._pool.completion.info())

    def chat_info(self) -> ModelInfo | None:
        return self._runner.run(self._pool.chat.info()) if self._pool.chat else None

    def fill(self, before: str, after: str, max_tokens: int) -> str:
        request = TextRequest(before, suffix=after, max_tokens=max_tokens)
        return self._runner.run(_collect_text(self._text.generate(request)))

    def ask(self, question: str) -> str:
        request = ChatRequest((UserMessage(question),))
        return self._runner.run(_collect_text(self._chat.stream_events(request)))


async def _collect_text(events: AsyncGenerator[ChatEvent, None]) -> str:
    async with aclosing(events):
        return "".join([event.text async for event in events if isinstance(event, Chunk)])
