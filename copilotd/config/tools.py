"""The settings of the tools in a workspace."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from copilotd.config.section import Section


class Permission(StrEnum):
    """Whether a tool may act: by itself, if the user agrees each time, or not at all."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class CommandTool(Section):
    """A tool of the user's own: a program with its arguments."""

    command: list[str] = Field(min_length=1)
    """The program and its arguments, run in the workspace's folder without a shell; {name} stands
    for the parameter of that name."""
    description: str
    """What the model is told of it."""
    parameters: dict[str, str] = {}
    """What the model fills in, each with its description; all are texts."""


class McpServer(Section):
    """An MCP server whose tools the model may use: a program, or an address."""

    command: list[str] = []
    """A program and its arguments, run without a shell; it speaks MCP on its standard streams."""
    environment: dict[str, str] = Field(default={}, repr=False)
    """Variables for the program, beside the daemon's own that do not look like secrets."""
    url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """In place of command: the address of a server that speaks MCP over streamable HTTP."""
    headers: dict[str, str] = Field(default={}, repr=False)
    """Sent to that address with every request, such as Authorization."""
    tools: list[str] = []
    """Names of the server's tools that are offered; empty means all of them."""
    enabled: bool = True
    """Whether the server is used."""

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("it needs a command or a url, and not both")
        return self


ServerName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]{1,32}$")]
"""No underscore: it ends the server's part in the name of a tool, NAME_tool."""


class ToolsSection(Section):
    """What the model may do in a workspace when a chat asks for tools."""

    enabled: bool = True
    """Whether tools are offered at all."""
    permissions: dict[str, Permission] = {}
    """Per tool, or "*" for all that are not named: "allow", "ask" or "deny". Without an entry,
    reading is allowed, changing asks, and run_command is denied: {run_command = "ask"} offers
    it."""
    workspaces: dict[str, dict[str, Permission]] = {}
    """The same for single workspaces, by their folder; it wins over the table above."""
    secret_files: list[str] = []
    """File names (with * and ?) that no tool touches, beside .env, keys and the like."""
    max_steps: int = Field(default=8, ge=1)
    """Answers of the model in a row, each with calls, before it has to come to an end."""
    timeout_s: float = Field(default=30.0, gt=0)
    """Seconds that one call may take."""
    output_limit: int = Field(default=4000, ge=100)
    """Characters of one result that the model reads."""
    commands: dict[str, CommandTool] = {}
    """Tools of your own, by name."""
    mcp: dict[ServerName, McpServer] = {}
    """MCP servers by name (letters, digits, hyphens). A tool of one is called NAME_tool here, and
    asks like every tool that runs something, whatever the server says of it."""
