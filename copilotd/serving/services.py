"""The services that both front ends, LSP and HTTP, offer to their clients.

The composition root builds one value, which all connections and requests share.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from copilotd.completion.service import CompletionService
from copilotd.completion.sliding_document import SlidingDocuments
from copilotd.config import LlamaCppSection
from copilotd.engine.performance import CalibrationProgress, Tuning
from copilotd.serving.registry import ServedModels
from copilotd.serving.status import DaemonStatus
from copilotd.tools.registry import ToolRegistry


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and what a client may request from the daemon itself.

    `stop` tells the daemon to end and returns at once. `tune` measures the speed of the model.
    `llama_cpp` holds the settings for clients of llama.cpp's dialect, and `windows` the documents
    of clients that send only a window of a file.
    """

    completion: CompletionService
    models: ServedModels
    tools: ToolRegistry
    status: Callable[[], DaemonStatus]
    stop: Callable[[], None]
    tune: Callable[[], AsyncGenerator[CalibrationProgress | Tuning, None]]
    llama_cpp: LlamaCppSection = field(default_factory=LlamaCppSection)
    windows: SlidingDocuments = field(default_factory=SlidingDocuments)
