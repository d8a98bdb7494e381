import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from copilotd.config import McpServer, ToolsSection
from copilotd.tools.audit import AuditLog
from copilotd.tools.mcp.servers import McpServers
from copilotd.tools.registry import ToolRegistry
from tests.tools.fake_editor import FakeEditor, audit_file
from tests.tools.mcp.session import SDK_SERVER, Begin, Session


@pytest.fixture
async def begin(editor: FakeEditor, tmp_path: Path) -> AsyncIterator[Begin]:
    """Begins sessions, and closes all their servers at the end."""
    sessions: list[Session] = []

    def begin(
        mode: str = "stdio",
        server: dict[str, Any] | None = None,
        ready_timeout_s: float = 60,
        clock: Callable[[], float] = time.monotonic,
        **settings: Any,
    ) -> Session:
        file = tmp_path / "pids"
        command = [sys.executable, str(SDK_SERVER), str(file), mode]
        setting = McpServer.model_validate({"command": command} | (server or {}))
        section = ToolsSection(mcp={"s": setting}, **settings)
        servers = McpServers(section.mcp, ready_timeout_s, clock)
        runner = ToolRegistry(section, AuditLog(audit_file(editor)), servers).create_runner()
        sessions.append(Session(servers, runner, editor, file))
        return sessions[-1]

    yield begin
    async with asyncio.timeout(30):
        for session in sessions:
            await session.servers.close()
