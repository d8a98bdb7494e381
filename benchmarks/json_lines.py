"""A file of results as JSON lines, which a later run continues."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class JsonLines:
    """The rows of the file and those that are added.

    A row is written at once. The incomplete last line of a stopped run is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text("utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, "utf-8")
        self.rows: list[Row] = [json.loads(line) for line in whole.splitlines()]

    def add(self, row: Row) -> None:
        """Add a row here and to the file."""
        self.rows.append(row)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(row)}\n")

    def select(self, **values: object) -> Iterator[Row]:
        """The rows that have these values."""
        for row in self.rows:
            if all(row[key] == value for key, value in values.items()):
                yield row
