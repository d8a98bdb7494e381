"""What the HTTP side is given to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from copilotd.chat.session import ChatService
from copilotd.completion.service import CompletionService
from copilotd.completion.text import TextService
from copilotd.engine.protocol import Engine
from copilotd.types import DaemonStatus


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and the two things a client may ask of the daemon itself.

    `stop` asks the daemon to end and returns at once.
    """

    completion: CompletionService
    text: TextService
    chat: ChatService
    engine: Engine
    status: Callable[[], DaemonStatus]
    stop: Callable[[], None]


async def services_of(connection: HTTPConnection) -> Services:
    """The services that `build_app` was given."""
    services: Services = connection.app.state.services
    return services


ServicesOf = Annotated[Services, Depends(services_of)]
"""The type of an endpoint's parameter that receives the services."""
