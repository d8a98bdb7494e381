"""Examples under the help text of a command."""

import inspect
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def examples(*lines: str) -> Callable[[F], F]:
    """Add these command lines to the help of the decorated command."""

    def decorate(command: F) -> F:
        paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
        flowing = (" ".join(paragraph.splitlines()) for paragraph in paragraphs)
        # The backspace makes click keep the line breaks.
        block = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
        command.__doc__ = "\n\n".join([*flowing, block])
        return command

    return decorate
