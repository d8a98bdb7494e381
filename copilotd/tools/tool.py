"""Defines a tool: a signature, and two steps. Only the second step changes anything.

Installed packages build their own tools from these classes.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from copilotd.tools.change import FileChange
from copilotd.tools.editor import Editor


class Effect(StrEnum):
    """The strongest effect that a tool can have."""

    READ = "read"
    CHANGE = "change"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Action:
    """What one call will do: `title` describes it to the user, `perform` does it.

    The request for approval shows `change` and `command`. With `always_asks`, the user is asked
    even if a setting allows the tool. `kind` limits a permission for the session: if it is empty,
    the permission is for every call of the tool, else only for calls of the same `kind`.
    """

    title: str
    perform: Callable[[], Awaitable[str]]
    change: FileChange | None = None
    command: str = ""
    always_asks: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model can call.

    `parameters` is the JSON schema of the arguments. `prepare` parses a call and changes nothing.
    Both `prepare` and the action that it returns may raise ToolFailed.
    """

    name: str
    description: str
    effect: Effect
    prepare: Callable[[Editor, Mapping[str, Any]], Awaitable[Action]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
