"""The MCP server: offers a runner's tools on standard input and output."""

import json
from typing import Any

from mcp import types
from mcp.server import Server
from mcp.server.stdio import stdio_server

from copilotd import __version__
from copilotd.prompt.messages import ToolCall
from copilotd.tools.editor import Editor
from copilotd.tools.runner import ToolRunner
from copilotd.tools.tool import Effect

INSTRUCTIONS = (
    "Search and read the files of a workspace, and ask a local code model what it would write at a "
    "cursor. Paths are relative to the workspace. Files with secrets and files that git ignores "
    "are not shown."
)


async def serve(runner: ToolRunner, editor: Editor) -> None:
    """Speak MCP until the client closes standard input; write nothing else to standard output."""
    server = build_server(runner, editor)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def build_server(runner: ToolRunner, editor: Editor) -> Server[Any]:
    """A server with the tools that `runner` allows in the workspace of `editor`."""

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=dict(tool.parameters),
                    annotations=types.ToolAnnotations(read_only_hint=tool.effect is Effect.READ),
                )
                for tool in runner.list_allowed_tools(editor)
            ]
        )

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        call = ToolCall("", params.name, json.dumps(params.arguments or {}))
        result = await runner.run(call, editor)
        text = types.TextContent(type="text", text=result.text)
        return types.CallToolResult(content=[text], is_error=result.is_failure)

    return Server(
        "copilotd",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
