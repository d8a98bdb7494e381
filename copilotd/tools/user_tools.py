"""The user's own tools: programs that the settings name, and tools of installed Python packages.

A package offers tools under the entry point group `copilotd.tools`: one `Tool`, or a function
without parameters that returns several.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from shlex import join
from typing import Any

from copilotd.config import CommandTool
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.process import run_program
from copilotd.tools.tool import Action, Effect, Tool

log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "copilotd.tools"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def build_command_tools(settings: Mapping[str, CommandTool]) -> list[Tool]:
    """The tools of the table [tools.commands]."""
    return [_build_tool(name, setting) for name, setting in settings.items()]


def load_package_tools() -> list[Tool]:
    """The tools of installed packages. A package that cannot be loaded is logged and skipped."""
    points = entry_points(group=ENTRY_POINT_GROUP)
    return [tool for point in points for tool in _load_entry_point(point.name, point)]


def _load_entry_point(name: str, point: Any) -> Iterator[Tool]:
    # A fault barrier: a package may be anybody's code.
    try:
        loaded = point.load()
        tools: Iterable[object] = [loaded] if isinstance(loaded, Tool) else list(loaded())
    except Exception:
        log.exception("cannot load the tools of the entry point %s", name)
        return
    for tool in tools:
        if isinstance(tool, Tool):
            yield tool
        else:
            log.error("the entry point %s returned %r, which is not a Tool", name, tool)


def _build_tool(name: str, setting: CommandTool) -> Tool:
    async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
        command = _fill_command(setting, arguments)
        folder = editor.workspace.main_folder

        async def perform() -> str:
            result = await run_program(command, folder)
            return f"Exit code {result.exit_code}.\n{result.output}".rstrip()

        return Action(f"Run {name}", perform, command=join(command))

    properties = {p: {"type": "string", "description": d} for p, d in setting.parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, setting.description, Effect.RUN, prepare, schema)


def _fill_command(setting: CommandTool, arguments: Mapping[str, Any]) -> list[str]:
    values = {}
    for name in setting.parameters:
        value = arguments.get(name)
        if not isinstance(value, str) or "\0" in value:
            raise ToolFailed(f"The argument {name} must be a text.")
        values[name] = value
    return [_fill_part(part, values) for part in setting.command]


def _fill_part(part: str, values: Mapping[str, str]) -> str:
    """Fill in one argument of the program. A value cannot become an option or a second argument."""

    def replace(match: re.Match[str]) -> str:
        text = values.get(match[1], match[0])
        if part == match[0] and text.startswith("-"):
            raise ToolFailed(f"The argument {match[1]} must not begin with a dash.")
        return text

    return _PLACEHOLDER.sub(replace, part)
