"""The record of what tools did, one line of JSON a call, for the user's eyes only."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_SHOWN = 200
"""Characters of an argument that are kept; the record is no copy of anybody's code."""
_LARGEST = 5_000_000
"""Bytes; then the file becomes the old one, in place of the one before."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Appends to `file`."""

    file: Path

    def record(
        self, tool: str, arguments: Mapping[str, Any], decision: str, outcome: str, workspace: str
    ) -> None:
        """Write one call down. A disk that is full does not stop the work."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "workspace": workspace,
            "tool": tool,
            "arguments": {name: _shortened(value) for name, value in arguments.items()},
            "decision": decision,
            "outcome": outcome,
        }
        try:
            self._append(json.dumps(line, ensure_ascii=False))
        except OSError as error:
            log.warning("what a tool did cannot be recorded: %s", error)

    def _append(self, line: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.file.exists() and self.file.stat().st_size > _LARGEST:
            self.file.replace(self.file.with_suffix(".old.jsonl"))
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as out:
            out.write(f"{line}\n")


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]}… ({len(value)} characters)"
    return value
