"""Errors that the user should know of, once each."""

import re
from collections.abc import Callable

_NUMBER = re.compile(r"\d+")
_NEXT_STEP = "`copilotd doctor` looks for the reason."


class Notices:
    """Shows an error when it is new; a failure at every keystroke is one message."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._told: set[str] = set()

    def failed(self, reason: str) -> None:
        """Tell the user, unless that has been told. `reason` is a sentence with the cause."""
        # The same failure often differs in a count of tokens only.
        kind = _NUMBER.sub("#", reason)
        if kind not in self._told:
            self._told.add(kind)
            self._show(f"copilotd: {reason.rstrip('. ')}. {_NEXT_STEP}")

    def works_again(self) -> None:
        """From here on a failure is news again."""
        self._told.clear()
