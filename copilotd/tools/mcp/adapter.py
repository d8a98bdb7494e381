"""Turns a server's tools into tools of copilotd: renamed, shortened, and subject to permission."""

import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from copilotd.tools.editor import Editor
from copilotd.tools.mcp.schema import choose_schema
from copilotd.tools.tool import Action, Effect, Tool

if TYPE_CHECKING:
    import mcp

log = logging.getLogger(__name__)

CallTool = Callable[[str, Mapping[str, Any]], Awaitable[str]]
"""Calls a tool by the server's own name for it. Raises: ToolFailed."""

MAX_NAME_LENGTH = 64
MAX_DESCRIPTION_LENGTH = 500
"""In characters. The model reads every character before it answers."""


def adapt_tools(
    server: str, tools: Iterable["mcp.Tool"], names: Sequence[str], call_tool: CallTool
) -> tuple[Tool, ...]:
    """The tools of `server` that `names` lists (all if it is empty), in the server's order."""
    adapted: dict[str, Tool] = {}
    missing = set(names)
    for tool in tools:
        missing.discard(tool.name)
        if names and tool.name not in names:
            continue
        name = qualify_name(server, tool.name)
        if name in adapted:
            log.warning("the MCP server %s has two tools whose name here is %s", server, name)
        adapted.setdefault(name, _adapt_tool(server, name, tool, call_tool))
    if missing:
        log.warning("the MCP server %s has no tools %s", server, ", ".join(sorted(missing)))
    return tuple(adapted.values())


def qualify_name(server: str, tool: str) -> str:
    """The tool's name here: letters, digits, underscores and hyphens, at most 64 characters."""
    name = f"{server}_{re.sub(r'[^a-zA-Z0-9_-]', '_', tool)}"
    if len(name) <= MAX_NAME_LENGTH:
        return name
    digest = hashlib.sha256(tool.encode()).hexdigest()[:8]
    return f"{name[: MAX_NAME_LENGTH - len(digest) - 1]}_{digest}"


def _adapt_tool(server: str, name: str, tool: "mcp.Tool", call_tool: CallTool) -> Tool:
    async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
        async def perform() -> str:
            return await call_tool(tool.name, arguments)

        title = f"Call {name} of the MCP server {server}"
        return Action(title, perform, command=_render_arguments(arguments))

    # A server may claim that its tool is harmless. Nobody has checked that, so the user is asked.
    description = _truncate(tool.description or tool.title or "")
    return Tool(name, description, Effect.RUN, prepare, choose_schema(name, tool.input_schema))


def _truncate(text: str) -> str:
    text = text.strip()
    if len(text) <= MAX_DESCRIPTION_LENGTH:
        return text
    return f"{text[: MAX_DESCRIPTION_LENGTH - 1]}…"


def _render_arguments(arguments: Mapping[str, Any]) -> str:
    """The arguments as JSON, with invisible characters escaped so that the user sees them."""
    text = json.dumps(dict(arguments), ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
