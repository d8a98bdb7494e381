"""The server: a runner's tools, told and called over the protocol on standard input and output."""

import json
from typing import Any

from mcp import types
from mcp.server import Server
from mcp.server.stdio import stdio_server

from copilotd import __version__
from copilotd.tools.editor import Editor
from copilotd.tools.runner import Runner
from copilotd.tools.tool import Effect

GUIDE = (
    "Search and read the files of a workspace, and ask a local code model what it would write at a "
    "cursor. Paths are relative to the workspace; files with secrets and what git ignores are not "
    "shown."
)


async def serve(runner: Runner, editor: Editor) -> None:
    """Speak MCP until the client closes standard input; nothing else reaches standard output."""
    server = build(runner, editor)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def build(runner: Runner, editor: Editor) -> Server[Any]:
    """A server of the tools that `runner` offers for the workspace of `editor`."""

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=dict(tool.parameters),
                    annotations=types.ToolAnnotations(read_only_hint=tool.effect is Effect.READ),
                )
                for tool in runner.offered(editor)
            ]
        )

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        said = json.dumps(params.arguments or {})
        result = await runner.run("", params.name, said, editor)
        text = types.TextContent(type="text", text=result.text)
        return types.CallToolResult(content=[text], is_error=result.is_failure)

    return Server(
        "copilotd",
        version=__version__,
        instructions=GUIDE,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
