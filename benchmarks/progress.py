"""The line on standard error that shows how far a benchmark has come."""

import sys
import time


def show_progress(text: str) -> None:
    """Replace the line with `text`; the cursor stays on it."""
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


class Progress:
    """Shows how many of `total` steps are done, and how long the others may take."""

    def __init__(self, total: int, done: int = 0) -> None:
        self._total, self._begin = total, done
        self._started = time.monotonic()

    def show(self, done: int, text: str = "") -> None:
        """Show that `done` steps are done; `text` names the one that runs."""
        share = (done - self._begin) / max(1, self._total - self._begin)
        elapsed_s = time.monotonic() - self._started
        left = f"{elapsed_s * (1 - share) / share / 60:.0f} min left" if share > 0 else ""
        show_progress(", ".join(filter(None, [f"{done}/{self._total}", left, text])))
