"""Runs git so that it starts no program that the repository's own settings name."""

from pathlib import Path

from copilotd.tools.errors import ToolFailed
from copilotd.tools.process import run_program

_SAFE_OPTIONS = (
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat",
    "-c", "log.showSignature=false", "-c", "diff.external=", "-c", "core.quotePath=false",
    "-c", "submodule.recurse=false", "-c", "color.ui=false",
)  # fmt: skip
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


async def run_git(folder: Path, *arguments: str) -> str:
    """The output of git. Raises: ToolFailed with git's own error message."""
    result = await run_program(
        ["git", "--no-pager", *_SAFE_OPTIONS, *arguments], folder, _ENVIRONMENT
    )
    if result.exit_code != 0:
        raise ToolFailed(f"git says: {result.output.strip() or result.exit_code}")
    return result.output.rstrip("\n")
