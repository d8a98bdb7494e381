"""All tools of the daemon. Each session gets a runner for them."""

from collections.abc import Sequence

from copilotd.config import ToolsSection
from copilotd.secret_files import SecretFiles
from copilotd.tools.audit import AuditLog
from copilotd.tools.builtin import BUILTIN
from copilotd.tools.mcp.servers import McpServers
from copilotd.tools.runner import ToolRunner
from copilotd.tools.tool import Tool
from copilotd.tools.user_tools import build_command_tools, load_package_tools


class ToolRegistry:
    """Knows every tool and creates runners.

    Without `servers` there are no tools of MCP servers, whatever the settings say.
    """

    def __init__(
        self, settings: ToolsSection, audit: AuditLog, servers: McpServers | None = None
    ) -> None:
        self.settings = settings
        self._audit = audit
        self._servers = servers or McpServers({})
        self._package_tools = load_package_tools()

    def apply_settings(self, settings: ToolsSection) -> None:
        """Use new settings: at once for MCP servers, and for everything else in later sessions."""
        self.settings = settings
        self._servers.apply_settings(settings.mcp if settings.enabled else {})

    @property
    def secret_files(self) -> SecretFiles:
        """The files that no tool may read or change."""
        return SecretFiles(tuple(self.settings.secret_files))

    def list_tools(self) -> Sequence[Tool]:
        """The current tools, whatever their permission. The first of two equal names counts."""
        return self._list_tools(self.settings)

    def create_runner(self) -> ToolRunner:
        """A runner for one session."""
        settings = self.settings
        return ToolRunner(
            lambda: self._list_tools(settings),
            settings,
            self._audit,
            self._servers.wait_until_ready,
        )

    def _list_tools(self, settings: ToolsSection) -> Sequence[Tool]:
        if not settings.enabled:
            return ()
        own = (*BUILTIN, *build_command_tools(settings.commands), *self._package_tools)
        every = (*own, *self._servers.list_tools())
        return tuple({tool.name: tool for tool in reversed(every)}.values())[::-1]
