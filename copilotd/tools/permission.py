"""Who decides whether a tool may act: the settings, the user, or the tool itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copilotd.config import Permission, ToolsSection
from copilotd.tools.tool import Action, Effect, Tool

_BY_EFFECT = {
    Effect.READ: Permission.ALLOW,
    Effect.CHANGE: Permission.ASK,
    Effect.RUN: Permission.ASK,
}
OFF = ("run_command",)
"""Tools that are not offered until the settings name them."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say. Of several, that for the workspace wins, then that for the tool."""

    settings: ToolsSection

    def of(self, tool: Tool, folders: Sequence[Path]) -> Permission:
        """What holds for `tool` in a workspace with these folders; the strictest of the folders."""
        said = [self._in(tool, folder) for folder in folders] or [self._everywhere(tool)]
        return max(said, key=_STRICTNESS.index)

    def of_action(self, tool: Tool, action: Action, folders: Sequence[Path]) -> Permission:
        """The same for one call of it."""
        permission = self.of(tool, folders)
        if action.always_asks and permission is Permission.ALLOW:
            return Permission.ASK
        return permission

    def _in(self, tool: Tool, folder: Path) -> Permission:
        for place, permissions in self.settings.workspaces.items():
            if Path(place).expanduser().resolve() == folder.resolve():
                named = permissions.get(tool.name, permissions.get("*"))
                if named is not None:
                    return named
        return self._everywhere(tool)

    def _everywhere(self, tool: Tool) -> Permission:
        permissions = self.settings.permissions
        named = permissions.get(tool.name)
        if named is None and tool.name not in OFF:
            named = permissions.get("*")
        if named is not None:
            return named
        return Permission.DENY if tool.name in OFF else _BY_EFFECT[tool.effect]


_STRICTNESS = (Permission.ALLOW, Permission.ASK, Permission.DENY)
