"""Where copilotd keeps its files, following the platform's conventions (XDG on Linux)."""

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP = "copilotd"


@dataclass(frozen=True, slots=True)
class Paths:
    """The five folders: settings, models, logs, runtime files, and caches."""

    config: Path
    data: Path
    state: Path
    runtime: Path
    cache: Path

    @classmethod
    def of_user(cls) -> "Paths":
        """Return the folders of the current user; nothing is created."""
        dirs = platformdirs.PlatformDirs(APP, appauthor=False)
        with warnings.catch_warnings():
            # Without XDG_RUNTIME_DIR it is a folder in /tmp; `lifecycle.create_folders` secures it.
            warnings.simplefilter("ignore")
            runtime = dirs.user_runtime_path
        return cls(
            config=dirs.user_config_path,
            data=dirs.user_data_path,
            state=dirs.user_state_path,
            runtime=runtime,
            cache=dirs.user_cache_path,
        )

    @property
    def user_settings(self) -> Path:
        """The user's settings file; it need not exist."""
        return self.config / "copilotd.toml"

    @property
    def models(self) -> Path:
        """The folder of the model store."""
        return self.data / "models"

    @property
    def saved_sequences(self) -> Path:
        """The folder of KV cache sequences that are kept across restarts."""
        return self.cache / "parked"

    @property
    def tunings(self) -> Path:
        """The folder of measured speeds of models."""
        return self.state / "tuning"

    @property
    def log(self) -> Path:
        """The daemon's log file."""
        return self.state / "copilotd.log"

    @property
    def audit(self) -> Path:
        """The audit log of tool calls."""
        return self.state / "tools.jsonl"

    @property
    def token(self) -> Path:
        """The access token of HTTP clients; created when it is first needed."""
        return self.state / "token"

    @property
    def lock(self) -> Path:
        """The lock file that the daemon holds while it runs."""
        return self.runtime / "copilotd.lock"

    @property
    def runtime_file(self) -> Path:
        """The process id, URL and socket of the running daemon, as JSON."""
        return self.runtime / "daemon.json"

    @property
    def socket(self) -> Path:
        """The unix socket on which the daemon speaks LSP."""
        return self.runtime / "lsp.sock"


def has_unix_sockets() -> bool:
    """Whether LSP uses a unix socket on this platform (otherwise TCP on loopback)."""
    return sys.platform != "win32"
