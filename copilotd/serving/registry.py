"""The models that the daemon serves: each with its engine, its names and its services."""

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
    """One model: `name` is its name in the settings, `alias` the name for clients, or empty.

    `info` is None until the model was first loaded; it is kept when the model is unloaded.
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
        """The id that clients see."""
        return self._alias or (self.info.name if self.info else _file_stem(self._name))

    def has_name(self, name: str) -> bool:
        """Whether a request for `name` means this model, loaded or not."""
        loaded_name = self.info.name if self.info else ""
        return name in (self._alias, loaded_name, self._name, _file_stem(self._name))

    async def load(self) -> None:
        """Load the model if need be, and store its `info`; the engine logs its own failures."""
        with suppress(CopilotdError):
            self.info = await self.engine.info()

    def status(self) -> ModelStatus:
        """A snapshot of the model."""
        return ModelStatus(self.alias, self.engine.state, self.info, self.engine.stats())


@dataclass(frozen=True, slots=True)
class ServedModels:
    """The models for completions, chat and embeddings; two or all may be the same."""

    completion: ServedModel
    chat: ServedModel
    embedding: ServedModel

    @property
    def all(self) -> tuple[ServedModel, ...]:
        """Every model once."""
        return tuple(dict.fromkeys((self.completion, self.chat, self.embedding)))

    def for_text(self, name: str | None) -> ServedModel:
        """The model that continues a text, for a request that names `name`."""
        return self._find(name) or self.completion

    def for_embedding(self, name: str | None) -> ServedModel:
        """The model that embeds a text, for a request that names `name`."""
        return self._find(name) or self.embedding

    def for_chat(self, name: str | None) -> ServedModel:
        """The model that answers a conversation, for a request that names `name`."""
        return self._find(name) or self.chat

    def engine_name(self, model: ServedModel) -> str:
        """The name of the model's engine in the log."""
        if model is self.completion:
            return "engine"
        return "chat engine" if model is self.chat else "embedding engine"

    def _find(self, name: str | None) -> ServedModel | None:
        return next((model for model in self.all if name and model.has_name(name)), None)


def _file_stem(name: str) -> str:
    """The name of the file in a path or source: `model` for hf:owner/repository/model.gguf."""
    file = name.replace("\\", "/").rpartition("/")[2]
    return file.partition("@")[0].removesuffix(".gguf")
