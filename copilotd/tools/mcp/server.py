"""One MCP server: reached when it is needed, again when it was lost, and surely left."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from copilotd.config import McpServer
from copilotd.tools.errors import ToolFailed
from copilotd.tools.mcp.adapter import offer
from copilotd.tools.mcp.connection import Lost, connected
from copilotd.tools.mcp.error_text import reason
from copilotd.tools.mcp.result import text
from copilotd.tools.tool import Tool

if TYPE_CHECKING:
    import mcp

log = logging.getLogger(__name__)

START_WITHIN_S = 60.0
"""A program may have to be downloaded first, as `npx` and `uvx` do."""
LONGEST_PAUSE_S = 300.0
_PAGES = 20
"""Of a list of tools that does not end."""
_CLOSED, _NO_SESSION = -32000, -32600
"""Error codes: the connection is closed; over HTTP, the server knows nothing of it any more."""


class Server:
    """Keeps at most one connection. `offered` are the tools as the server last listed them."""

    def __init__(self, name: str, settings: McpServer, clock: Callable[[], float]) -> None:
        self.name = name
        self.settings = settings
        self.offered: tuple[Tool, ...] = ()
        self._clock = clock
        self._client: mcp.Client | None = None
        self._lost: asyncio.Future[Lost] | None = None
        self._settled = asyncio.Event()
        self._settled.set()
        self._lives: set[asyncio.Task[None]] = set()
        self._begun = self._again_at = 0.0
        self._failures = 0
        self._reason = "it was not started"
        self._is_over = False

    async def ready(self, patience_s: float) -> None:
        """Have it reached; returns when it is or cannot be, `patience_s` after the begin at last.

        One that failed is left alone for a while, twice as long each time.
        """
        self._begin()
        left = self._begun + patience_s - self._clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(left, 0.0)):
                await self._settled.wait()

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """What a tool, by the server's own name for it, answers. Raises: ToolFailed."""
        client, lost = await self._reached()
        from mcp import MCPError

        try:
            return text(await client.call_tool(tool, dict(arguments)))
        except MCPError as error:
            if error.code not in (_CLOSED, _NO_SESSION):
                raise ToolFailed(f"The MCP server {self.name} says: {error}") from error
            self._lose(lost, Lost("it closed the connection"))
            raise ToolFailed(
                f"The MCP server {self.name} went away during the call, so it is not known whether "
                "the call took effect. The next call starts it again."
            ) from error

    def leave(self) -> None:
        """Begin to end the connection; there will be no other."""
        self._is_over = True
        self._reason = "it is not in the settings any more"
        self.offered = ()
        for life in self._lives:
            life.cancel()

    async def close(self) -> None:
        """End the connection, and the server's program with it."""
        self.leave()
        await asyncio.gather(*self._lives, return_exceptions=True)

    def _begin(self) -> None:
        is_there = self._client is not None or not self._settled.is_set()
        if is_there or self._is_over or self._clock() < self._again_at:
            return
        self._begun = self._clock()
        self._settled.clear()
        life = asyncio.create_task(self._live())
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    async def _reached(self) -> "tuple[mcp.Client, asyncio.Future[Lost]]":
        self._begin()
        await self._settled.wait()
        if self._client is None or self._lost is None:
            raise ToolFailed(f"The MCP server {self.name} cannot be used: {self._reason}.")
        return self._client, self._lost

    async def _live(self) -> None:
        """One connection, in a task of its own: the SDK wants it left where it was entered."""
        lost: asyncio.Future[Lost] = asyncio.get_running_loop().create_future()
        is_up = False
        try:
            async with (
                asyncio.timeout(START_WITHIN_S) as limit,
                connected(self.settings, lost, self._list_again) as client,
            ):
                self.offered = await self._listed(client)
                limit.reschedule(None)
                is_up = True
                self._client, self._lost, self._failures = client, lost, 0
                self._settled.set()
                log.info("the MCP server %s offers %d tools", self.name, len(self.offered))
                self._lose(lost, await lost)
        except Exception as error:
            # A fault barrier: a server is anybody's program.
            log.debug("the connection to the MCP server %s failed", self.name, exc_info=True)
            if is_up:
                self._lose(lost, Lost(reason(error)))
            else:
                is_told = lost.done() and not lost.cancelled()
                self._fail(reason(error, lost.result() if is_told else None))
        finally:
            if not is_up:
                self._settled.set()
            elif self._lost is lost:
                self._client = self._lost = None

    def _lose(self, lost: "asyncio.Future[Lost]", how: Lost) -> None:
        """Use the connection no more; another may begin while this one is cleared away."""
        if not lost.done():
            lost.set_result(how)
        if self._lost is lost:
            log.warning("the MCP server %s is gone: %s", self.name, how.reason)
            self._client = self._lost = None

    def _fail(self, why: str) -> None:
        self.offered = ()
        self._reason = why
        self._failures += 1
        pause = min(2.0**self._failures, LONGEST_PAUSE_S)
        self._again_at = self._clock() + pause
        log.error(
            "the MCP server %s cannot be used: %s. It is tried again after %d s, when it is needed",
            self.name,
            why,
            pause,
        )

    async def _list_again(self) -> None:
        if self._client is not None:
            self.offered = await self._listed(self._client)

    async def _listed(self, client: "mcp.Client") -> tuple[Tool, ...]:
        found: list[mcp.Tool] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += page.tools
            if (cursor := page.next_cursor) is None:
                break
        return await asyncio.to_thread(offer, self.name, found, self.settings.tools, self.call)
