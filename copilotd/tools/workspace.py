"""What a path that a model wrote may mean: a file in the workspace, or nothing."""

import os
from dataclasses import dataclass
from pathlib import Path

from copilotd.secret_files import Secrecy
from copilotd.tools.errors import Refused


@dataclass(frozen=True)
class Workspace:
    """The folders that are open; what is outside of them does not exist for tools."""

    folders: tuple[Path, ...]
    secrecy: Secrecy

    @property
    def home(self) -> Path:
        """The folder that paths begin at, and where commands run. Raises: Refused if none."""
        if not self.folders:
            raise Refused("No folder is open in the editor, so there are no files to work with.")
        return Path(os.path.realpath(self.folders[0]))

    def locate(self, name: str) -> Path:
        """The real path that `name` means: relative to the first folder that has it, or absolute.

        Links are followed before anything is decided. Raises: Refused for what is outside, secret,
        or cannot be a path.
        """
        if not name.isprintable():
            raise Refused("That is no path.")
        real = self._real(name)
        root = self._root(real)
        if any(part.is_symlink() for part in (real, *real.parents)):
            raise Refused(f"{name} is a link that leads nowhere.")
        if root is None:
            raise Refused(f"{name} is outside of the workspace. Use paths relative to its folder.")
        if self.secrecy.covers(real.relative_to(root)) or self.secrecy.covers(Path(name)):
            raise Refused(f"{name} may hold secrets, so no tool reads or changes it.")
        return real

    def shown(self, path: Path) -> str:
        """The name of a file that `locate` or a walk gave, as a model shall call it."""
        roots = self._roots
        if len(roots) > 1:
            return str(path)
        return path.relative_to(roots[0]).as_posix() if path.is_relative_to(roots[0]) else str(path)

    def is_open_to_tools(self, path: Path) -> bool:
        """Whether a file that a walk of a folder found may be read."""
        real = Path(os.path.realpath(path))
        root = self._root(real)
        if root is None:
            return False
        names = (real.relative_to(root), Path(path.name))
        return not any(self.secrecy.covers(name) for name in names)

    @property
    def _roots(self) -> list[Path]:
        return [Path(os.path.realpath(folder)) for folder in self.folders]

    def _real(self, name: str) -> Path:
        candidates = [Path(os.path.realpath(folder / name)) for folder in self._roots]
        existing = (path for path in candidates if path.exists())
        return next(existing, self.home if not candidates else candidates[0])

    def _root(self, real: Path) -> Path | None:
        return next((root for root in self._roots if real.is_relative_to(root)), None)
