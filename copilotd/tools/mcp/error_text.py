"""Explains why a server cannot be used, for the log and for the model: no code, no headers."""

import httpx2

from copilotd.errors import CopilotdError
from copilotd.tools.mcp.stdio_transport import ConnectionLoss


def explain_error(error: BaseException, loss: ConnectionLoss | None = None) -> str:
    """The cause in words, and the next step if there is one."""
    if loss is not None:
        line = loss.last_stderr_line
        return f"{loss.reason}; its last error message: {line}" if line else loss.reason
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
