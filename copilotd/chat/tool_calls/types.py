"""The tools that a client offers to the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A function that the model can call; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


class ToolChoice(StrEnum):
    """Whether the model calls a tool."""

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"
    PAUSED = "paused"
    """No call now. The prompt still lists the tools, so it equals the prompt in the KV cache."""


@dataclass(frozen=True, slots=True)
class ToolSet:
    """The tools of one request.

    With `parallel` an answer may hold several calls.
    """

    definitions: tuple[ToolDefinition, ...] = ()
    choice: ToolChoice = ToolChoice.AUTO
    parallel: bool = True

    @property
    def is_callable(self) -> bool:
        """Whether the model may call a tool."""
        return bool(self.definitions) and self.choice in (ToolChoice.AUTO, ToolChoice.REQUIRED)

    @property
    def visible(self) -> tuple[ToolDefinition, ...]:
        """The tools that the prompt lists."""
        return () if self.choice is ToolChoice.NONE else self.definitions
