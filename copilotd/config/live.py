"""The settings in force while the daemon runs."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Live(Generic[T]):
    """A value that may be replaced while the daemon runs; readers ask for `current` at each use.

    Only the owner of the value assigns `current`; everybody else only reads it.
    """

    def __init__(self, current: T) -> None:
        self.current = current
