"""The settings of the tools in a workspace."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from copilotd.config.section import Section


class Permission(StrEnum):
    """Whether a tool may run: without asking, if the user agrees each time, or never."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class CommandTool(Section):
    """A custom tool of the user: a program with its arguments."""

    command: list[str] = Field(min_length=1)
    """The program and its arguments, run in the workspace folder without a shell; {name} is
    replaced by the parameter of that name."""
    description: str
    """The description that the model sees."""
    parameters: dict[str, str] = {}
    """The parameters by name, each with its description; all are strings."""


class McpServer(Section):
    """An MCP server whose tools the model may use: a program or an address."""

    command: list[str] = []
    """A program and its arguments, run without a shell; it uses MCP over stdin and stdout."""
    environment: dict[str, str] = Field(default={}, repr=False)
    """Environment variables for the program, in addition to those of the daemon that do not look
    like secrets."""
    url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """The address of a server that uses MCP over streamable HTTP, in place of command."""
    headers: dict[str, str] = Field(default={}, repr=False)
    """HTTP headers for every request to that address, such as Authorization."""
    tools: list[str] = []
    """Names of the server's tools that the model may use; empty means all."""
    enabled: bool = True
    """Whether to use the server."""

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("set either command or url")
        return self


ServerName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]{1,32}$")]
"""No underscore, because an underscore separates the server's name from the tool's: NAME_tool."""


class ToolsSection(Section):
    """What the model may do in a workspace when a chat asks for tools."""

    enabled: bool = True
    """Whether the model may use tools."""
    permissions: dict[str, Permission] = {}
    """"allow", "ask" or "deny" by tool name; "*" means all other tools. Without an entry, tools
    that read are allowed, tools that change something ask, and run_command is denied; {run_command
    = "ask"} enables it."""
    workspaces: dict[str, dict[str, Permission]] = {}
    """The same for one workspace, by its folder; it overrides the table above."""
    secret_files: list[str] = []
    """File names (with * and ?) that no tool may read or write, in addition to .env, keys and the
    like."""
    max_steps: int = Field(default=8, ge=1)
    """Maximum number of answers with tool calls in a row; then the model must finish."""
    timeout_s: float = Field(default=30.0, gt=0)
    """Time limit for one tool call in seconds."""
    output_limit: int = Field(default=4000, ge=100)
    """Maximum number of characters of one tool result that the model sees."""
    commands: dict[str, CommandTool] = {}
    """Custom tools by name."""
    mcp: dict[ServerName, McpServer] = {}
    """MCP servers by name (letters, digits, hyphens). Their tools are named NAME_tool, and ask like
    every tool that runs a program, whatever the server says about them."""
