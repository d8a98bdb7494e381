"""The models that are served: each with its worker, its names and what it does."""

from contextlib import suppress
from dataclasses import dataclass

from copilotd.chat.service import ChatService
from copilotd.completion.raw_text import TextService
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.engine.interface import Engine
from copilotd.engine.types import ModelInfo
from copilotd.errors import CopilotdError
from copilotd.serving.status import ModelStatus


class ServedModel:
    """One model. `name` is what the settings call it, `alias` what clients shall; it may be empty.

    `info` tells of it once it was loaded, and still does when it is unloaded again.
    """

    def __init__(self, engine: Engine, name: str, alias: str, settings: Live[ChatSection]) -> None:
        self.engine = engine
        self.text = TextService(engine)
        self.chat = ChatService(engine, settings)
        self.info: ModelInfo | None = None
        self._name = name
        self._alias = alias

    @property
    def alias(self) -> str:
        """The id under which clients see it."""
        return self._alias or (self.info.name if self.info else _short(self._name))

    def has_name(self, name: str) -> bool:
        """Whether a request that says `name` means this one, loaded or not."""
        own = self.info.name if self.info else ""
        return name in (self._alias, own, self._name, _short(self._name))

    async def load(self) -> None:
        """Load it, if it is not, and learn what it is; the engine reports its own failures."""
        with suppress(CopilotdError):
            self.info = await self.engine.info()

    def status(self) -> ModelStatus:
        """One look at it."""
        return ModelStatus(self.alias, self.engine.state, self.info, self.engine.stats())


@dataclass(frozen=True, slots=True)
class ServedModels:
    """The one for completions, that for chat and that for embeddings, which may be the same."""

    completion: ServedModel
    chat: ServedModel
    embedding: ServedModel

    @property
    def all(self) -> tuple[ServedModel, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys((self.completion, self.chat, self.embedding)))

    def for_text(self, name: str | None) -> ServedModel:
        """The one to continue a text for a request that says `name`."""
        return self._named(name) or self.completion

    def for_embedding(self, name: str | None) -> ServedModel:
        """The one to embed a text for a request that says `name`."""
        return self._named(name) or self.embedding

    def for_chat(self, name: str | None) -> ServedModel:
        """The one to answer a conversation for a request that says `name`."""
        return self._named(name) or self.chat

    def title(self, model: ServedModel) -> str:
        """What the log calls its engine."""
        if model is self.completion:
            return "engine"
        return "chat engine" if model is self.chat else "embedding engine"

    def _named(self, name: str | None) -> ServedModel | None:
        return next((model for model in self.all if name and model.has_name(name)), None)


def _short(name: str) -> str:
    """What a path or a source calls the file: model of hf:owner/repository/model.gguf."""
    file = name.replace("\\", "/").rpartition("/")[2]
    return file.partition("@")[0].removesuffix(".gguf")
