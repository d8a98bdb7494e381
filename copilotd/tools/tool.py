"""What a tool is: a signature, and two steps of which only the second changes anything."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from copilotd.tools.change import Change
from copilotd.tools.editor import Editor


class Effect(StrEnum):
    """The most that a tool can do."""

    READ = "read"
    CHANGE = "change"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Action:
    """One call, understood: what will be done, in words that a user can judge it by, and doing it.

    `change` and `command` are shown to whoever is asked for permission. With `always_asks` no
    setting allows it beforehand. `kind` is what a permission for the session holds for: for every
    call of the tool where it is empty, else for those with the same `kind`.
    """

    title: str
    perform: Callable[[], Awaitable[str]]
    change: Change | None = None
    command: str = ""
    always_asks: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model can call.

    `parameters` is the JSON schema of the arguments. `prepare` understands a call and changes
    nothing; it raises ToolFailed, as the action it gives may.
    """

    name: str
    description: str
    effect: Effect
    prepare: Callable[[Editor, Mapping[str, Any]], Awaitable[Action]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
