"""The file of outcomes: JSON lines that are appended at once, so a stopped run can continue."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class RecipeOutcome:
    """The outcome of one recipe on one hole."""

    right: bool
    steps: int
    evaluated: list[int]
    """Prompt tokens per keystroke of the whole line."""
    new_line: int


@dataclass(slots=True)
class OutcomeFile:
    """The contents of the file, by hole and recipe."""

    path: Path
    by_recipe: dict[str, dict[str, RecipeOutcome]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    first_ms: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    sources: dict[str, str] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "OutcomeFile":
        """Read earlier outcomes; the incomplete last line of a stopped run does not count."""
        outcomes = cls(path)
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        for line in lines:
            outcomes._add_row(json.loads(line))
        return outcomes

    def add(self, row: dict[str, Any]) -> None:
        """Add a hole's outcomes here and to the file."""
        self._add_row(row)
        with self.path.open("a") as file:
            file.write(f"{json.dumps(row)}\n")

    def _add_row(self, row: dict[str, Any]) -> None:
        hole = row["hole"]
        self.sources[hole], self.points[hole] = row["source"], row["point"]
        for name, tried in row.get("recipes", {}).items():
            self.by_recipe[hole][name] = RecipeOutcome(**tried)
        self.first_ms[hole] |= row.get("first_ms", {})
