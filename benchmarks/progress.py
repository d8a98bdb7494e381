"""The line on standard error that shows how far a benchmark has come."""

import sys


def show_progress(text: str) -> None:
    """Replace the line with `text`; the cursor stays on it."""
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
