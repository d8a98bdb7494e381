"""One look at the daemon: its models, its clients, its counts."""

from dataclasses import dataclass

from copilotd.completion.types import CompletionStats
from copilotd.engine.performance import Tuning
from copilotd.engine.types import EngineState, EngineStats, ModelInfo, UpstreamStatus
from copilotd.prompt.budget import Budget


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One look at a model that is served; `model` is None until it was loaded once."""

    alias: str
    state: EngineState
    model: ModelInfo | None
    engine: EngineStats


@dataclass(frozen=True, slots=True)
class DaemonStatus:
    """One look at the whole daemon; `uptime` in seconds, `rss` in bytes.

    `state`, `model`, `alias`, `engine` and `tuning` are of the model for completions; `chat` is
    that for chat and `embedding` that for embeddings, None where the first serves. `upstream` is
    None while nothing leaves the machine.
    """

    version: str
    pid: int
    uptime: float
    rss: int
    state: EngineState
    model: ModelInfo | None
    alias: str
    engine: EngineStats
    completion: CompletionStats
    clients: tuple[str, ...]
    url: str
    socket: str
    tuning: Tuning | None = None
    budget: Budget | None = None
    chat: ModelStatus | None = None
    embedding: ModelStatus | None = None
    upstream: UpstreamStatus | None = None
