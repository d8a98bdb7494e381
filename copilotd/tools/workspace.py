"""Resolves the paths that a model writes, only to files in the workspace."""

import os
from dataclasses import dataclass
from pathlib import Path

from copilotd.secret_files import SecretFiles
from copilotd.tools.errors import CallRefused


@dataclass(frozen=True)
class Workspace:
    """The open folders. Tools cannot see anything outside them."""

    folders: tuple[Path, ...]
    secret_files: SecretFiles

    @property
    def main_folder(self) -> Path:
        """The first folder, where commands run. Raises: CallRefused if no folder is open."""
        if not self.folders:
            raise CallRefused(
                "No folder is open in the editor, so there are no files to work with."
            )
        return Path(os.path.realpath(self.folders[0]))

    def locate(self, name: str) -> Path:
        """The real path of `name`, which is absolute or relative to the first folder that has it.

        Links are followed before the checks. Raises: CallRefused if the path is outside the
        workspace, secret or not a path.
        """
        if not name.isprintable():
            raise CallRefused("That is not a path.")
        real = self._resolve(name)
        root = self._find_root(real)
        if any(part.is_symlink() for part in (real, *real.parents)):
            raise CallRefused(f"{name} is a link that leads nowhere.")
        if root is None:
            raise CallRefused(f"{name} is outside the workspace. Use paths relative to its folder.")
        if self.secret_files.contains(real.relative_to(root)) or self.secret_files.contains(
            Path(name)
        ):
            raise CallRefused(f"{name} may hold secrets, so no tool reads or changes it.")
        return real

    def display_path(self, path: Path) -> str:
        """The name that the model uses for a file: relative to the folder if there is only one."""
        roots = self._roots
        if len(roots) > 1:
            return str(path)
        return path.relative_to(roots[0]).as_posix() if path.is_relative_to(roots[0]) else str(path)

    def is_readable(self, path: Path) -> bool:
        """Whether tools may read a file that a walk of a folder found."""
        real = Path(os.path.realpath(path))
        root = self._find_root(real)
        if root is None:
            return False
        names = (real.relative_to(root), Path(path.name))
        return not any(self.secret_files.contains(name) for name in names)

    @property
    def _roots(self) -> list[Path]:
        return [Path(os.path.realpath(folder)) for folder in self.folders]

    def _resolve(self, name: str) -> Path:
        candidates = [Path(os.path.realpath(folder / name)) for folder in self._roots]
        existing = (path for path in candidates if path.exists())
        return next(existing, self.main_folder if not candidates else candidates[0])

    def _find_root(self, real: Path) -> Path | None:
        return next((root for root in self._roots if real.is_relative_to(root)), None)
