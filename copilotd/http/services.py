"""What the HTTP side is given to work with."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from copilotd.completion.service import CompletionService
from copilotd.config import LlamaCppSection
from copilotd.engine.performance import Measuring, Tuning
from copilotd.serving.registry import ServedModels
from copilotd.serving.status import DaemonStatus


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and what a client may ask of the daemon itself.

    `stop` asks the daemon to end and returns at once; `tune` measures what the model costs;
    `llama_cpp` is for clients of that dialect.
    """

    completion: CompletionService
    models: ServedModels
    status: Callable[[], DaemonStatus]
    stop: Callable[[], None]
    tune: Callable[[], AsyncGenerator[Measuring | Tuning, None]]
    llama_cpp: LlamaCppSection = field(default_factory=LlamaCppSection)


async def services_of(connection: HTTPConnection) -> Services:
    """The services that `build_app` was given."""
    services: Services = connection.app.state.services
    return services


ServicesOf = Annotated[Services, Depends(services_of)]
"""The type of an endpoint's parameter that receives the services."""
