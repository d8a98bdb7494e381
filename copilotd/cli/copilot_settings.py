"""Where GitHub Copilot's extension for VS Code asks for ghost text: the settings that say so."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilotd.cli.jsonc import changed, load
from copilotd.errors import CopilotdError

KEY = "github.copilot.advanced"
PROXY, ENGINE = "debug.overrideProxyUrl", "debug.overrideEngine"
_OVERRIDES = (PROXY, ENGINE)
OUR_ENGINE = "copilotd"
BEFORE = "copilotd.before"
"""Where the overrides are kept that were set already."""
EDITIONS = ("Code", "Code - Insiders")


@dataclass(frozen=True, slots=True)
class UserSettings:
    """A settings file of VS Code, and its text."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> "UserSettings":
        """The file as it is; one that does not exist is empty. Raises: CopilotdError."""
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            load(text)
        except (OSError, ValueError) as error:
            raise CopilotdError(
                f"{path} cannot be read as JSON: {error}", "Mend it in VS Code, then try again."
            ) from error
        return cls(path, text)

    @property
    def advanced(self) -> dict[str, Any]:
        """What is set under `KEY`."""
        found = load(self.text).get(KEY)
        return dict(found) if isinstance(found, dict) else {}

    @property
    def target(self) -> str:
        """The address that Copilot is pointed at; empty if it is its own."""
        return str(self.advanced.get(PROXY, ""))

    @property
    def is_ours(self) -> bool:
        """Whether it was us who pointed it there."""
        return self.advanced.get(ENGINE) == OUR_ENGINE

    def pointed_at(self, url: str) -> "UserSettings":
        """The settings with Copilot asking at `url`; what was overridden before is kept."""
        before = {name: self.advanced[name] for name in _OVERRIDES if name in self.advanced}
        kept = {BEFORE: before} if before and not self.is_ours else {}
        return self._with({**self.advanced, **kept, PROXY: url, ENGINE: OUR_ENGINE})

    def reverted(self) -> "UserSettings":
        """The settings as they were before `pointed_at`."""
        advanced = self.advanced
        if not self.is_ours:
            return self
        before = advanced.pop(BEFORE, {})
        kept = {name: value for name, value in advanced.items() if name not in _OVERRIDES}
        return self._with({**kept, **before} or None)

    def write(self) -> None:
        """To its file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.text, encoding="utf-8")

    def _with(self, advanced: dict[str, Any] | None) -> "UserSettings":
        return UserSettings(self.path, changed(self.text, KEY, advanced))


def settings_files() -> list[Path]:
    """The user's settings of each VS Code that was run here."""
    places = [_config_folder() / edition / "User" for edition in EDITIONS]
    return [place / "settings.json" for place in places if place.is_dir()]


def _config_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData/Roaming"))
    return Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
