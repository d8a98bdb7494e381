"""Finds the changes of a recording that are typed keys."""

from collections.abc import Sequence

from benchmarks.recording.buffer import Buffer, Change


def find_typed_key(buffer: Buffer, changes: Sequence[Change]) -> str:
    """The character that was typed at the cursor; empty for any other change.

    `buffer` has the text after the changes and the cursor from before them.
    """
    if len(changes) != 1:
        return ""
    [change] = changes
    is_key = len(change.text) == 1 and change.start == change.end
    return change.text if is_key and buffer.offset(change.start) == buffer.cursor else ""
