"""The record of every tool call, one line of JSON each. Only the user can read the file."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_MAX_ARGUMENT_LENGTH = 200
"""Characters of an argument that are kept: the record must not become a copy of the code."""
_MAX_FILE_BYTES = 5_000_000
"""When the file is larger than this, it replaces the previous old file and a new one begins."""


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Appends to `file`."""

    file: Path

    def record(
        self, tool: str, arguments: Mapping[str, Any], decision: str, outcome: str, workspace: str
    ) -> None:
        """Append one call. If the disk is full, the failure is logged and the work continues."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "workspace": workspace,
            "tool": tool,
            "arguments": {name: _shorten(value) for name, value in arguments.items()},
            "decision": decision,
            "outcome": outcome,
        }
        try:
            self._append(json.dumps(line, ensure_ascii=False))
        except OSError as error:
            log.warning("cannot record a tool call: %s", error)

    def _append(self, line: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.file.exists() and self.file.stat().st_size > _MAX_FILE_BYTES:
            self.file.replace(self.file.with_suffix(".old.jsonl"))
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as out:
            out.write(f"{line}\n")


def _shorten(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_ARGUMENT_LENGTH:
        return f"{value[:_MAX_ARGUMENT_LENGTH]}… ({len(value)} characters)"
    return value
