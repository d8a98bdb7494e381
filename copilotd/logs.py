"""The daemon's log: one small file, and the terminal if there is one.

Code and chat text are logged at DEBUG only. Libraries log warnings only, because their other lines
may contain that text.
"""

import logging
import os
import shutil
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

LINE_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
MAX_BYTES = 2_000_000
BACKUPS = 2

_LOGGER_NAME = "copilotd"


def configure(file: Path, level: str) -> None:
    """Log to `file`, and also to stderr unless that is the same file."""
    handlers: list[logging.Handler] = [_create_file_handler(file)]
    if not _is_stderr(file):
        handlers.append(_create_stderr_handler())
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    logging.captureWarnings(True)
    set_level(level)


def set_level(level: str) -> None:
    """Set the level of copilotd's own log lines; takes effect at once."""
    logging.getLogger(_LOGGER_NAME).setLevel(level)


def _create_file_handler(file: Path) -> logging.Handler:
    handler = RotatingFileHandler(
        file, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter(LINE_FORMAT))
    handler.rotator = _copy_and_truncate
    return handler


def _copy_and_truncate(source: str, target: str) -> None:
    # Not renamed: the daemon's stderr has the same file open and would follow the renamed file.
    shutil.copyfile(source, target)
    os.truncate(source, 0)


def _is_stderr(file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(sys.stderr.fileno()), os.stat(file))
    except (OSError, ValueError, AttributeError):
        return False


def _create_stderr_handler() -> logging.Handler:
    from rich.console import Console
    from rich.logging import RichHandler

    console = Console(stderr=True)
    if not console.is_terminal:
        # A journal or a pipe needs complete lines without colours.
        plain = logging.StreamHandler()
        plain.setFormatter(logging.Formatter(LINE_FORMAT))
        return plain
    handler = RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S")
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler
