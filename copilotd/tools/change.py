"""A change of one file."""

import difflib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileChange:
    """The whole text of a file before and after the change; None means that there is no file."""

    path: Path
    before: str | None
    after: str | None

    @property
    def inverse(self) -> "FileChange":
        """The change that undoes this one."""
        return FileChange(self.path, self.after, self.before)

    def render_diff(self, name: str) -> str:
        """The unified diff, for a file called `name`."""
        lines = difflib.unified_diff(
            (self.before or "").splitlines(keepends=True),
            (self.after or "").splitlines(keepends=True),
            "/dev/null" if self.before is None else f"a/{name}",
            "/dev/null" if self.after is None else f"b/{name}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
