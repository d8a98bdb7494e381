"""What is made of a stranger's tools."""

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


def listed(name: str) -> mcp.types.Tool:
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
def test_names_are_such_as_every_client_takes(tool: str, name: str) -> None:
    assert qualify_name("git", tool) == name
    assert len(name) <= 64


class Bold(McpServers):
    """Has a server `read` with a tool `file`."""

    def list_tools(self) -> Sequence[Tool]:
        return adapt_tools("read", [listed("file")], [], call)


def test_a_server_cannot_take_the_name_of_a_tool_of_copilotds_own(tmp_path: Path) -> None:
    bold = Bold({})
    assert [tool.name for tool in bold.list_tools()] == ["read_file"]
    tools = ToolRegistry(ToolsSection(), AuditLog(tmp_path / "record"), bold).list_tools()
    assert [tool for tool in tools if tool.name == "read_file"] == [READ_FILE]


def test_of_two_tools_that_would_be_called_the_same_the_first_is_offered() -> None:
    offered = adapt_tools("s", [listed("a.b"), listed("a_b")], [], call)
    assert [(t.name, t.effect) for t in offered] == [("s_a_b", Effect.RUN)]


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
def test_a_schema_that_no_model_can_be_held_to_allows_any_object(schema: dict[str, Any]) -> None:
    assert choose_schema("s_x", schema) == {"type": "object"}
