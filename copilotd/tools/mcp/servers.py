"""All MCP servers of the settings."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from copilotd.config import McpServer
from copilotd.tools.mcp.server import Server
from copilotd.tools.tool import Tool

PATIENCE_S = 3.0
"""How long a chat waits for servers that begin; whoever is later is there for the next step."""


class Servers:
    """Those that `settings` name; none is reached before `ready` is asked for."""

    def __init__(
        self,
        settings: Mapping[str, McpServer],
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._servers: dict[str, Server] = {}
        self._left: list[Server] = []
        self.change(settings)

    def change(self, settings: Mapping[str, McpServer]) -> None:
        """Go by other settings: what they do not name any more, or otherwise, is left."""
        before, self._servers = self._servers, {}
        for name, setting in settings.items():
            kept = before.get(name)
            if kept is not None and kept.settings == setting:
                self._servers[name] = before.pop(name)
            elif setting.enabled:
                self._servers[name] = Server(name, setting, self._clock)
        for server in before.values():
            server.leave()
            self._left.append(server)

    async def ready(self) -> None:
        """Reach the servers that are not there yet; returns in time, whatever they do."""
        await asyncio.gather(*(s.ready(self._patience_s) for s in self._servers.values()))

    def tools(self) -> Sequence[Tool]:
        """What those that are there offer."""
        return tuple(tool for server in self._servers.values() for tool in server.offered)

    async def close(self) -> None:
        """Leave all; their programs have ended afterwards."""
        await asyncio.gather(*(s.close() for s in (*self._servers.values(), *self._left)))
