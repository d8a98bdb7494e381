"""The daemon's log: one file that stays small, and the terminal when somebody looks on.

What users type is logged at DEBUG only; libraries that would repeat it are held to warnings.
"""

import logging
import os
import shutil
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
MAX_BYTES = 2_000_000
BACKUPS = 2

_OWN = "copilotd"


def configure(file: Path, level: str) -> None:
    """Log to `file`, and to stderr too unless that is the same file."""
    handlers: list[logging.Handler] = [_rotating(file)]
    if not _is_stderr(file):
        handlers.append(_stderr())
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    logging.captureWarnings(True)
    set_level(level)


def set_level(level: str) -> None:
    """Change how much copilotd itself says; takes effect at once."""
    logging.getLogger(_OWN).setLevel(level)


def _rotating(file: Path) -> logging.Handler:
    handler = RotatingFileHandler(
        file, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter(LINE))
    handler.rotator = _copy_and_truncate
    return handler


def _copy_and_truncate(source: str, target: str) -> None:
    # The daemon's stderr is open on the same file: a renamed file would take it along.
    shutil.copyfile(source, target)
    os.truncate(source, 0)


def _is_stderr(file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(sys.stderr.fileno()), os.stat(file))
    except (OSError, ValueError, AttributeError):
        return False


def _stderr() -> logging.Handler:
    from rich.console import Console
    from rich.logging import RichHandler

    console = Console(stderr=True)
    if not console.is_terminal:
        # A journal or a pipe wants whole lines.
        plain = logging.StreamHandler()
        plain.setFormatter(logging.Formatter(LINE))
        return plain
    handler = RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S")
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler
