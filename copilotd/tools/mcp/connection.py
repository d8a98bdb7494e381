"""Connects to one MCP server: over a program's standard streams, or over HTTP."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import httpx2

from copilotd import __version__
from copilotd.config import McpServer
from copilotd.errors import MissingPackage
from copilotd.tools.mcp.stdio_transport import ConnectionLoss, open_stdio_transport

if TYPE_CHECKING:
    import mcp

__all__ = ["ConnectionLoss", "connect"]

_HTTP_TIMEOUT = httpx2.Timeout(30.0, read=300.0)
"""In seconds; detects a server that went away. The settings limit how long a call may take."""


@asynccontextmanager
async def connect(
    settings: McpServer,
    loss: "asyncio.Future[ConnectionLoss]",
    on_tools_changed: Callable[[], Awaitable[None]],
) -> AsyncGenerator["mcp.Client", None]:
    """A client that has finished the handshake with the server.

    `loss` gets a result when a program ends by itself.

    Raises: MissingPackage, OSError, and whatever the SDK raises.
    """
    await asyncio.to_thread(_import_sdk)
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.types import Implementation, ToolListChangedNotification

    async def handle_message(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            await on_tools_changed()

    async with AsyncExitStack() as stack:
        if settings.url:
            http = httpx2.AsyncClient(headers=settings.headers, timeout=_HTTP_TIMEOUT)
            await stack.enter_async_context(http)
            transport = streamable_http_client(settings.url, http_client=http)
        else:
            transport = open_stdio_transport(settings.command, settings.environment, loss)
        info = Implementation(name="copilotd", version=__version__)
        client = Client(transport, client_info=info, message_handler=handle_message)
        yield await stack.enter_async_context(client)


def _import_sdk() -> None:
    """Import the SDK. It takes a second, so it runs in a thread and keystrokes do not wait."""
    try:
        import mcp.client.streamable_http  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingPackage.for_extra("mcp", error) from error
    # These loggers write messages that they cannot parse, and such messages hold the user's code.
    for name in ("mcp", "client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
