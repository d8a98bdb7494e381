"""The settings of GitHub Copilot's extension for VS Code that name its server."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilotd.cli.jsonc import parse, set_member
from copilotd.errors import CopilotdError
from copilotd.text_files import TextFile

KEY = "github.copilot.advanced"
PROXY, ENGINE = "debug.overrideProxyUrl", "debug.overrideEngine"
_OVERRIDES = (PROXY, ENGINE)
OUR_ENGINE = "copilotd"
BEFORE = "copilotd.before"
"""The key that stores the overrides that were set before."""
EDITIONS = ("Code", "Code - Insiders")


@dataclass(frozen=True, slots=True)
class UserSettings:
    """A settings file of VS Code, and the text that it should have."""

    file: TextFile
    text: str

    @classmethod
    def read(cls, path: Path) -> "UserSettings":
        """Read the file; a missing one is empty. Raises: CopilotdError."""
        try:
            file = TextFile.read(path)
            parse(file.text)
        except (OSError, ValueError) as error:
            raise CopilotdError(
                f"{path} cannot be read as JSON: {error}", "Fix it in VS Code, then try again."
            ) from error
        return cls(file, file.text)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.file.path

    @property
    def advanced(self) -> dict[str, Any]:
        """The value of `KEY`."""
        found = parse(self.text).get(KEY)
        return dict(found) if isinstance(found, dict) else {}

    @property
    def target(self) -> str:
        """The address that Copilot uses; empty if it is GitHub's."""
        return str(self.advanced.get(PROXY, ""))

    @property
    def is_ours(self) -> bool:
        """Whether copilotd set the address."""
        return self.advanced.get(ENGINE) == OUR_ENGINE

    def point_at(self, url: str) -> "UserSettings":
        """The settings with Copilot pointed at `url`; earlier overrides are kept."""
        before = {name: self.advanced[name] for name in _OVERRIDES if name in self.advanced}
        kept = {BEFORE: before} if before and not self.is_ours else {}
        return self._with_advanced({**self.advanced, **kept, PROXY: url, ENGINE: OUR_ENGINE})

    def revert(self) -> "UserSettings":
        """The settings as they were before copilotd changed them."""
        advanced = self.advanced
        if not self.is_ours:
            return self
        before = advanced.pop(BEFORE, {})
        kept = {name: value for name, value in advanced.items() if name not in _OVERRIDES}
        return self._with_advanced({**kept, **before} or None)

    def write(self) -> None:
        """Write the file. Raises: OSError; the file is unchanged then."""
        self.file.write(self.text)

    def _with_advanced(self, advanced: dict[str, Any] | None) -> "UserSettings":
        return UserSettings(self.file, set_member(self.text, KEY, advanced))


def settings_files() -> list[Path]:
    """The user's settings file of each VS Code that has been started on this machine."""
    places = [_config_folder() / edition / "User" for edition in EDITIONS]
    return [place / "settings.json" for place in places if place.is_dir()]


def _config_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData/Roaming"))
    return Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
