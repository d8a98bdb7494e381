"""Why a server cannot be used, for the user's log and the model: no code, no headers."""

import httpx2

from copilotd.errors import CopilotdError
from copilotd.tools.mcp.stdio_transport import Lost


def reason(error: BaseException, lost: Lost | None = None) -> str:
    """The cause in words, with the next step where one is known."""
    if lost is not None:
        return f"{lost.reason}; its last words: {lost.said}" if lost.said else lost.reason
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, CopilotdError):
        return f"{error.message}: {error.hint}"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, httpx2.HTTPStatusError):
        return f"it answers with HTTP status {error.response.status_code}"
    if isinstance(error, OSError | httpx2.TransportError) or _is_answer(error):
        return str(error) or type(error).__name__
    return f"it does not speak MCP ({type(error).__name__})"


def _is_answer(error: BaseException) -> bool:
    from mcp import MCPError

    return isinstance(error, MCPError)
