"""The way to one MCP server: a program's standard streams, or HTTP."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import httpx2

from copilotd import __version__
from copilotd.config import McpServer
from copilotd.errors import MissingPackage
from copilotd.tools.mcp.stdio_transport import Lost, program

if TYPE_CHECKING:
    import mcp

__all__ = ["Lost", "connected"]

_LIMITS = httpx2.Timeout(30.0, read=300.0)
"""Seconds. What a call may take is up to the settings; this is for a server that went away."""


@asynccontextmanager
async def connected(
    settings: McpServer,
    lost: "asyncio.Future[Lost]",
    changed: Callable[[], Awaitable[None]],
) -> AsyncGenerator["mcp.Client", None]:
    """A client that has greeted the server.

    `lost` gets a result when a program ends; `changed` is called when the tools are others.

    Raises: MissingPackage, OSError, and whatever the SDK does.
    """
    await asyncio.to_thread(_import)
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.types import Implementation, ToolListChangedNotification

    async def hear(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            await changed()

    async with AsyncExitStack() as stack:
        if settings.url:
            http = httpx2.AsyncClient(headers=settings.headers, timeout=_LIMITS)
            await stack.enter_async_context(http)
            way = streamable_http_client(settings.url, http_client=http)
        else:
            way = program(settings.command, settings.environment, lost)
        we = Implementation(name="copilotd", version=__version__)
        yield await stack.enter_async_context(Client(way, client_info=we, message_handler=hear))


def _import() -> None:
    """Import the SDK, which takes a second, in a thread: keystrokes go on meanwhile."""
    try:
        import mcp.client.streamable_http  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingPackage.of("mcp", error) from error
    # They write what could not be understood, with the code in it.
    for name in ("mcp", "client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
