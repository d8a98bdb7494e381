"""Decides whether a tool may act: the settings first, then the tool's own default."""

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
_STRICTNESS = (Permission.ALLOW, Permission.ASK, Permission.DENY)
OFF_BY_DEFAULT = ("run_command",)
"""Tools that are offered only if the settings name them."""


@dataclass(frozen=True, slots=True)
class PermissionRules:
    """Reads the permissions in the settings.

    An entry for the workspace wins over one for all workspaces. Within each, an entry for the tool
    wins over one for all tools.
    """

    settings: ToolsSection

    def for_tool(self, tool: Tool, folders: Sequence[Path]) -> Permission:
        """The permission of `tool` in a workspace: the strictest one of its folders."""
        permissions = [self._in_folder(tool, folder) for folder in folders]
        return max(permissions or [self._find_global(tool)], key=_STRICTNESS.index)

    def for_action(self, tool: Tool, action: Action, folders: Sequence[Path]) -> Permission:
        """The permission of one call of `tool`."""
        permission = self.for_tool(tool, folders)
        if action.always_asks and permission is Permission.ALLOW:
            return Permission.ASK
        return permission

    def _in_folder(self, tool: Tool, folder: Path) -> Permission:
        for name, permissions in self.settings.workspaces.items():
            if Path(name).expanduser().resolve() == folder.resolve():
                permission = permissions.get(tool.name, permissions.get("*"))
                if permission is not None:
                    return permission
        return self._find_global(tool)

    def _find_global(self, tool: Tool) -> Permission:
        permissions = self.settings.permissions
        permission = permissions.get(tool.name)
        if permission is None and tool.name not in OFF_BY_DEFAULT:
            permission = permissions.get("*")
        if permission is not None:
            return permission
        return Permission.DENY if tool.name in OFF_BY_DEFAULT else _BY_EFFECT[tool.effect]
