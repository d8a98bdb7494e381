"""All tools of the daemon, and who decides about them."""

from collections.abc import Sequence

from copilotd.config import ToolsSection
from copilotd.secret_files import Secrecy
from copilotd.tools.audit import Audit
from copilotd.tools.builtin import BUILTIN
from copilotd.tools.mcp.servers import Servers
from copilotd.tools.runner import Runner
from copilotd.tools.tool import Tool
from copilotd.tools.user_tools import commands, installed


class Toolset:
    """Gives each session its runner.

    Without `servers` there are no tools of MCP servers, whatever the settings say.
    """

    def __init__(
        self, settings: ToolsSection, audit: Audit, servers: Servers | None = None
    ) -> None:
        self.settings = settings
        self._audit = audit
        self._servers = servers or Servers({})
        self._installed = installed()

    def change(self, settings: ToolsSection) -> None:
        """Go by other settings: MCP servers at once, the rest for sessions that begin."""
        self.settings = settings
        self._servers.change(settings.mcp if settings.enabled else {})

    @property
    def secrecy(self) -> Secrecy:
        """Which files no tool touches."""
        return Secrecy(tuple(self.settings.secret_files))

    def tools(self) -> Sequence[Tool]:
        """Those there are now, whoever allows them; a name that occurs again means the first."""
        return self._of(self.settings)

    def runner(self) -> Runner:
        """For one session."""
        settings = self.settings
        return Runner(lambda: self._of(settings), settings, self._audit, self._servers.ready)

    def _of(self, settings: ToolsSection) -> Sequence[Tool]:
        if not settings.enabled:
            return ()
        own = (*BUILTIN, *commands(settings.commands), *self._installed)
        every = (*own, *self._servers.tools())
        return tuple({tool.name: tool for tool in reversed(every)}.values())[::-1]
