"""Tools of the user's own: programs that the settings name, and Python packages' entry points.

A package offers tools under the entry point group `copilotd.tools`: a `Tool`, or a function without
parameters that gives several.
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
from copilotd.tools.process import run
from copilotd.tools.tool import Action, Effect, Tool

log = logging.getLogger(__name__)

GROUP = "copilotd.tools"
_PLACE = re.compile(r"\{(\w+)\}")


def commands(settings: Mapping[str, CommandTool]) -> list[Tool]:
    """The tools of the table [tools.commands]."""
    return [_tool(name, setting) for name, setting in settings.items()]


def installed() -> list[Tool]:
    """The tools of installed packages; one that cannot be loaded is logged and left out."""
    return [tool for point in entry_points(group=GROUP) for tool in _loaded(point.name, point)]


def _loaded(name: str, point: Any) -> Iterator[Tool]:
    # A fault barrier: a package is anybody's program.
    try:
        offered = point.load()
        found: Iterable[object] = [offered] if isinstance(offered, Tool) else list(offered())
    except Exception:
        log.exception("the tools of the entry point %s cannot be loaded", name)
        return
    for tool in found:
        if isinstance(tool, Tool):
            yield tool
        else:
            log.error("the entry point %s gives %r, which is no tool", name, tool)


def _tool(name: str, setting: CommandTool) -> Tool:
    async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
        command = _filled(setting, said)
        folder = editor.workspace.home

        async def perform() -> str:
            ended = await run(command, folder)
            return f"Exit code {ended.code}.\n{ended.output}".rstrip()

        return Action(f"Run {name}", perform, command=join(command))

    properties = {p: {"type": "string", "description": d} for p, d in setting.parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, setting.description, Effect.RUN, prepare, schema)


def _filled(setting: CommandTool, said: Mapping[str, Any]) -> list[str]:
    values = {}
    for name in setting.parameters:
        value = said.get(name)
        if not isinstance(value, str) or "\0" in value:
            raise ToolFailed(f"The argument {name} must be a text.")
        values[name] = value
    return [_part(part, values) for part in setting.command]


def _part(part: str, values: Mapping[str, str]) -> str:
    """One argument of the program, filled in; a value cannot become an option or another one."""

    def value(found: re.Match[str]) -> str:
        text = values.get(found[1], found[0])
        if part == found[0] and text.startswith("-"):
            raise ToolFailed(f"The argument {found[1]} must not begin with a dash.")
        return text

    return _PLACE.sub(value, part)
