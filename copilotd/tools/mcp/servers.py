"""All MCP servers in the settings."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from copilotd.config import McpServer
from copilotd.tools.mcp.server import McpServerClient
from copilotd.tools.tool import Tool

READY_TIMEOUT_S = 3.0
"""How long a chat waits for servers that start. A server that starts later is available in the next
step."""


class McpServers:
    """The servers that `settings` names. None is connected before `wait_until_ready`."""

    def __init__(
        self,
        settings: Mapping[str, McpServer],
        ready_timeout_s: float = READY_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ready_timeout_s = ready_timeout_s
        self._clock = clock
        self._clients: dict[str, McpServerClient] = {}
        self._closing: list[McpServerClient] = []
        self.apply_settings(settings)

    def apply_settings(self, settings: Mapping[str, McpServer]) -> None:
        """Use new settings. A server that is gone from them, or has changed, is closed."""
        before, self._clients = self._clients, {}
        for name, setting in settings.items():
            client = before.get(name)
            if client is not None and client.settings == setting:
                self._clients[name] = before.pop(name)
            elif setting.enabled:
                self._clients[name] = McpServerClient(name, setting, self._clock)
        for client in before.values():
            client.begin_close()
            self._closing.append(client)

    async def wait_until_ready(self) -> None:
        """Connect to the servers that have no connection; return in time, whatever they do."""
        await asyncio.gather(
            *(client.wait_until_ready(self._ready_timeout_s) for client in self._clients.values())
        )

    def list_tools(self) -> Sequence[Tool]:
        """The tools of all servers that have been reached."""
        return tuple(tool for client in self._clients.values() for tool in client.tools)

    async def close(self) -> None:
        """Close all connections, and wait until the servers' programs have ended."""
        await asyncio.gather(*(c.close() for c in (*self._clients.values(), *self._closing)))
