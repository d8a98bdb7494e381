"""The tools that other agents get: what reads the workspace, and the model at a cursor."""

from copilotd.mcp.complete import Completer, complete
from copilotd.tools.builtin.list_directory import LIST_DIRECTORY
from copilotd.tools.builtin.read_file import READ_FILE
from copilotd.tools.builtin.search import SEARCH
from copilotd.tools.builtin.symbols import SYMBOLS
from copilotd.tools.tool import Tool


def tools(completer: Completer) -> tuple[Tool, ...]:
    """All of them; `completer` asks the model."""
    return (SEARCH, SYMBOLS, READ_FILE, LIST_DIRECTORY, complete(completer))
