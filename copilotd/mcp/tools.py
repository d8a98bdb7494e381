"""The tools for other agents: they read the workspace, and complete at a cursor."""

from copilotd.mcp.complete import Completer, build_complete_tool
from copilotd.tools.builtin.list_directory import LIST_DIRECTORY
from copilotd.tools.builtin.read_file import READ_FILE
from copilotd.tools.builtin.search import SEARCH
from copilotd.tools.builtin.symbols import SYMBOLS
from copilotd.tools.tool import Tool


def build_tools(complete: Completer) -> tuple[Tool, ...]:
    """All tools; `complete` asks the model."""
    return (SEARCH, SYMBOLS, READ_FILE, LIST_DIRECTORY, build_complete_tool(complete))
