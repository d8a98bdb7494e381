"""Shows errors to the user, each kind of error once."""

import re
from collections.abc import Callable

_NUMBER = re.compile(r"\d+")
_NEXT_STEP = "`copilotd doctor` looks for the reason."


class ErrorMessages:
    """Shows an error if it is new, so that a failure at every keystroke gives one message."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._shown: set[str] = set()

    def show(self, reason: str) -> None:
        """Show an error, unless it was shown before. `reason` is a sentence with the cause."""
        # Two messages about the same failure often differ only in a number, such as a token count.
        kind = _NUMBER.sub("#", reason)
        if kind not in self._shown:
            self._shown.add(kind)
            self._show(f"copilotd: {reason.rstrip('. ')}. {_NEXT_STEP}")

    def reset(self) -> None:
        """Forget which errors were shown. The engine works again, so the next failure is new."""
        self._shown.clear()
