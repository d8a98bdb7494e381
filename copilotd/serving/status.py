"""A snapshot of the daemon: its models, its clients and its counts."""

from dataclasses import dataclass

from copilotd.completion.types import CompletionStats
from copilotd.engine.performance import Tuning
from copilotd.engine.types import EngineState, EngineStats, ModelInfo, UpstreamStatus
from copilotd.prompt.budget import Budget


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A snapshot of one model; `model` is None until it was first loaded."""

    alias: str
    state: EngineState
    model: ModelInfo | None
    engine: EngineStats


@dataclass(frozen=True, slots=True)
class DaemonStatus:
    """A snapshot of the whole daemon; `uptime` is in seconds, `rss` in bytes.

    `state`, `model`, `alias`, `engine` and `tuning` describe the completion model. `chat` and
    `embedding` are None if the completion model serves these purposes too. `upstream` is None if
    nothing leaves the machine. `stall_ms` is the longest time in the last hour that all clients had
    to wait for one piece of work; 0 if there was none above 100 ms.
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
    stall_ms: float = 0.0
