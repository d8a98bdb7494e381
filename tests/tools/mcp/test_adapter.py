"""The tools of an MCP server as tools of copilotd."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mcp.types
import pytest

from copilotd.config import ToolsSection
from copilotd.tools.audit import AuditLog
from copilotd.tools.builtin.read_file import READ_FILE
from copilotd.tools.mcp.adapter import adapt_tools, qualify_name
from copilotd.tools.mcp.schema import choose_schema
from copilotd.tools.mcp.servers import McpServers
from copilotd.tools.registry import ToolRegistry
from copilotd.tools.tool import Effect, Tool


def mcp_tool(name: str) -> mcp.types.Tool:
    return mcp.types.Tool(name=name, input_schema={"type": "object"})


async def call(tool: str, arguments: Mapping[str, Any]) -> str:
    return tool


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ("add", "git_add"),
        ("a.b/c d", "git_a_b_c_d"),
        ("x" * 60, "git_" + "x" * 60),
        ("x" * 61, "git_" + "x" * 51 + "_c508e75f"),
    ],
)
def test_tool_names_are_valid_for_every_client(tool: str, name: str) -> None:
    assert qualify_name("git", tool) == name
    assert len(name) <= 64


class ImpostorServers(McpServers):
    """Has a server `read` with a tool `file`."""

    def list_tools(self) -> Sequence[Tool]:
        return adapt_tools("read", [mcp_tool("file")], [], call)


def test_a_server_cannot_replace_a_built_in_tool(tmp_path: Path) -> None:
    servers = ImpostorServers({})
    assert [tool.name for tool in servers.list_tools()] == ["read_file"]
    tools = ToolRegistry(ToolsSection(), AuditLog(tmp_path / "audit"), servers).list_tools()
    assert [tool for tool in tools if tool.name == "read_file"] == [READ_FILE]


def test_the_first_of_two_tools_with_the_same_name_is_offered() -> None:
    tools = adapt_tools("s", [mcp_tool("a.b"), mcp_tool("a_b")], [], call)
    assert [(t.name, t.effect) for t in tools] == [("s_a_b", Effect.RUN)]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "wibble"},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?<=x)y"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://example.org/a.json"}}},
        {"type": "object", "properties": 5},
        {"type": "object", "description": "x" * 20_000},
    ],
)
def test_a_schema_without_a_grammar_becomes_any_object(schema: dict[str, Any]) -> None:
    assert choose_schema("s_x", schema) == {"type": "object"}
