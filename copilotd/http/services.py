"""Gives endpoints the services that `build_app` received."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from copilotd.serving.services import Services

__all__ = ["Services", "ServicesOf", "get_services"]


async def get_services(connection: HTTPConnection) -> Services:
    """The services that `build_app` received."""
    services: Services = connection.app.state.services
    return services


ServicesOf = Annotated[Services, Depends(get_services)]
"""The type of an endpoint's parameter that gets the services."""
