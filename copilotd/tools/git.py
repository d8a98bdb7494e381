"""Git, asked so that nothing of the repository's own settings is run."""

from pathlib import Path

from copilotd.tools.errors import ToolFailed
from copilotd.tools.process import run

_SAFE = (
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat",
    "-c", "log.showSignature=false", "-c", "diff.external=", "-c", "core.quotePath=false",
    "-c", "submodule.recurse=false", "-c", "color.ui=false",
)  # fmt: skip
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


async def git(folder: Path, *arguments: str) -> str:
    """What git says. Raises: ToolFailed with what it complains of."""
    ended = await run(["git", "--no-pager", *_SAFE, *arguments], folder, _ENVIRONMENT)
    if ended.code != 0:
        raise ToolFailed(f"git says: {ended.output.strip() or ended.code}")
    return ended.output.rstrip("\n")
