"""A server's tools as tools of copilotd: named, cut to size, and asked about."""

import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from copilotd.tools.editor import Editor
from copilotd.tools.mcp.schema import followable
from copilotd.tools.tool import Action, Effect, Tool

if TYPE_CHECKING:
    import mcp

log = logging.getLogger(__name__)

Call = Callable[[str, Mapping[str, Any]], Awaitable[str]]
"""Calls a tool by the server's own name for it. Raises: ToolFailed."""

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 500
"""Characters. Every one is read by the model before it answers."""


def offer(
    server: str, listed: Iterable["mcp.Tool"], wanted: Sequence[str], call: Call
) -> tuple[Tool, ...]:
    """The tools of `server` that are wanted (all if none is named), in its order."""
    offered: dict[str, Tool] = {}
    missing = set(wanted)
    for tool in listed:
        missing.discard(tool.name)
        if wanted and tool.name not in wanted:
            continue
        name = named(server, tool.name)
        if name in offered:
            log.warning("the MCP server %s has two tools that are called %s here", server, name)
        offered.setdefault(name, _tool(server, name, tool, call))
    if missing:
        log.warning("the MCP server %s has no tools %s", server, ", ".join(sorted(missing)))
    return tuple(offered.values())


def named(server: str, tool: str) -> str:
    """What a tool is called here: letters, digits, underscores and hyphens, 64 of them at most."""
    name = f"{server}_{re.sub(r'[^a-zA-Z0-9_-]', '_', tool)}"
    if len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(tool.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - len(mark) - 1]}_{mark}"


def _tool(server: str, name: str, tool: "mcp.Tool", call: Call) -> Tool:
    async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
        async def perform() -> str:
            return await call(tool.name, said)

        return Action(f"Call {name} of the MCP server {server}", perform, command=_shown(said))

    # What the server says of its harmlessness is a stranger's word, so it is always asked about.
    description = _cut(tool.description or tool.title or "")
    return Tool(name, description, Effect.RUN, prepare, followable(name, tool.input_schema))


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 1]}…"


def _shown(arguments: Mapping[str, Any]) -> str:
    """The arguments as JSON in which every character can be seen for what it is."""
    text = json.dumps(dict(arguments), ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
