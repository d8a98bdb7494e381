"""A tool session with one MCP server."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilotd.prompt.messages import ToolCall
from copilotd.tools.mcp.servers import McpServers
from copilotd.tools.runner import CallResult, ToolRunner
from tests.tools.fake_editor import FakeEditor

SDK_SERVER = Path(__file__).with_name("sdk_server.py")
OLD_SERVER = Path(__file__).with_name("old_server.py")
NAMES = [
    "s_add", "s_go_to", "s_fail", "s_die", "s_hang", "s_picture", "s_variable", "s_header",
    "s_leave_behind",
]  # fmt: skip
"""The names of the tools of the server `s`."""


@dataclass
class Session:
    """The server has the name `s`. It writes its process id to `file` at each start."""

    servers: McpServers
    runner: ToolRunner
    editor: FakeEditor
    file: Path

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in self.file.read_text().splitlines()]

    @property
    def names(self) -> list[str]:
        return [
            t.name for t in self.runner.list_allowed_tools(self.editor) if t.name.startswith("s_")
        ]

    async def call(self, name: str, /, **arguments: Any) -> CallResult:
        return await self.runner.run(ToolCall("1", name, json.dumps(arguments)), self.editor)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


Begin = Callable[..., Session]


async def until(is_true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition did not become true in time")
