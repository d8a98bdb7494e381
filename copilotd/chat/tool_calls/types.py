"""What a model can call, and its calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a client offers; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Choice(StrEnum):
    """Whether the model calls something."""

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"
    SHOWN = "shown"
    """Not now; the model is told of the tools all the same, so that the prompt stays as it was."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of one request.

    With `parallel` an answer may hold several calls.
    """

    tools: tuple[Tool, ...] = ()
    choice: Choice = Choice.AUTO
    parallel: bool = True

    @property
    def is_open(self) -> bool:
        """Whether something may be called."""
        return bool(self.tools) and self.choice in (Choice.AUTO, Choice.REQUIRED)

    @property
    def shown(self) -> tuple[Tool, ...]:
        """The tools that the prompt tells of."""
        return () if self.choice is Choice.NONE else self.tools
