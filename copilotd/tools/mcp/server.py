"""One MCP server: connected on demand, reconnected after a loss, and always closed at the end."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from copilotd.config import McpServer
from copilotd.tools.errors import ToolFailed
from copilotd.tools.mcp.adapter import adapt_tools
from copilotd.tools.mcp.connection import ConnectionLoss, connect
from copilotd.tools.mcp.error_text import explain_error
from copilotd.tools.mcp.result import render_result
from copilotd.tools.tool import Tool

if TYPE_CHECKING:
    import mcp

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
"""A program may have to be downloaded first, as `npx` and `uvx` do."""
MAX_PAUSE_S = 300.0
_MAX_PAGES = 20
"""Limits a server whose list of tools never ends."""
_CLOSED, _NO_SESSION = -32000, -32600
"""Error codes: the connection is closed; over HTTP, the server no longer knows the session."""


class McpServerClient:
    """Keeps at most one connection to a server.

    `tools` are the server's tools when they were last listed.
    """

    def __init__(self, name: str, settings: McpServer, clock: Callable[[], float]) -> None:
        self.name = name
        self.settings = settings
        self.tools: tuple[Tool, ...] = ()
        self._clock = clock
        self._client: mcp.Client | None = None
        self._loss: asyncio.Future[ConnectionLoss] | None = None
        self._attempt_over = asyncio.Event()
        self._attempt_over.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._attempt_began = self._next_attempt = 0.0
        self._failures = 0
        self._failure = "it was not started"
        self._is_closed = False

    async def wait_until_ready(self, timeout_s: float) -> None:
        """Connect if there is no connection; wait at most `timeout_s` after the attempt began.

        After a failure there is a pause before the next attempt, twice as long each time.
        """
        self._start_connecting()
        left = self._attempt_began + timeout_s - self._clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(left, 0.0)):
                await self._attempt_over.wait()

    async def call_tool(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool by the server's own name for it. Raises: ToolFailed."""
        client, loss = await self._require_client()
        from mcp import MCPError

        try:
            return render_result(await client.call_tool(tool, dict(arguments)))
        except MCPError as error:
            if error.code not in (_CLOSED, _NO_SESSION):
                raise ToolFailed(f"The MCP server {self.name} says: {error}") from error
            self._drop_connection(loss, ConnectionLoss("it closed the connection"))
            raise ToolFailed(
                f"The MCP server {self.name} went away during the call, so it is not known whether "
                "the call took effect. The next call starts it again."
            ) from error

    def begin_close(self) -> None:
        """Begin to close the connection, and open no other."""
        self._is_closed = True
        self._failure = "it is no longer in the settings"
        self.tools = ()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Close the connection and end the server's program."""
        self.begin_close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_connecting(self) -> None:
        is_active = self._client is not None or not self._attempt_over.is_set()
        if is_active or self._is_closed or self._clock() < self._next_attempt:
            return
        self._attempt_began = self._clock()
        self._attempt_over.clear()
        task = asyncio.create_task(self._run_connection())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _require_client(self) -> "tuple[mcp.Client, asyncio.Future[ConnectionLoss]]":
        self._start_connecting()
        await self._attempt_over.wait()
        if self._client is None or self._loss is None:
            raise ToolFailed(f"The MCP server {self.name} cannot be used: {self._failure}.")
        return self._client, self._loss

    async def _run_connection(self) -> None:
        """One connection in its own task: the SDK must be left in the task that entered it."""
        loss: asyncio.Future[ConnectionLoss] = asyncio.get_running_loop().create_future()
        is_up = False
        try:
            async with (
                asyncio.timeout(START_TIMEOUT_S) as limit,
                connect(self.settings, loss, self._refresh_tools) as client,
            ):
                self.tools = await self._fetch_tools(client)
                limit.reschedule(None)
                is_up = True
                self._client, self._loss, self._failures = client, loss, 0
                self._attempt_over.set()
                log.info("the MCP server %s offers %d tools", self.name, len(self.tools))
                self._drop_connection(loss, await loss)
        except Exception as error:
            # A fault barrier: a server may be anybody's program.
            log.debug("the connection to the MCP server %s failed", self.name, exc_info=True)
            if is_up:
                self._drop_connection(loss, ConnectionLoss(explain_error(error)))
            else:
                has_reason = loss.done() and not loss.cancelled()
                self._record_failure(explain_error(error, loss.result() if has_reason else None))
        finally:
            if not is_up:
                self._attempt_over.set()
            elif self._loss is loss:
                self._client = self._loss = None

    def _drop_connection(
        self, loss: "asyncio.Future[ConnectionLoss]", reason: ConnectionLoss
    ) -> None:
        """Stop using the connection. Another may begin while this one is being closed."""
        if not loss.done():
            loss.set_result(reason)
        if self._loss is loss:
            log.warning("the MCP server %s is gone: %s", self.name, reason.reason)
            self._client = self._loss = None

    def _record_failure(self, failure: str) -> None:
        self.tools = ()
        self._failure = failure
        self._failures += 1
        pause = min(2.0**self._failures, MAX_PAUSE_S)
        self._next_attempt = self._clock() + pause
        log.error(
            "the MCP server %s cannot be used: %s. The next chat after %d s tries it again",
            self.name,
            failure,
            pause,
        )

    async def _refresh_tools(self) -> None:
        if self._client is not None:
            self.tools = await self._fetch_tools(self._client)

    async def _fetch_tools(self, client: "mcp.Client") -> tuple[Tool, ...]:
        fetched: list[mcp.Tool] = []
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            fetched += page.tools
            if (cursor := page.next_cursor) is None:
                break
        return await asyncio.to_thread(
            adapt_tools, self.name, fetched, self.settings.tools, self.call_tool
        )
