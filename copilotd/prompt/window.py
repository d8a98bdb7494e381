"""The part of a document that the model is shown: a token budget before and after the cursor.

The KV cache pays only while the prompt begins as the last one did. So the window's start moves in
steps of a quarter of its size, at line starts, and not with every line that is typed.
"""

from dataclasses import dataclass

from copilotd.documents import Document

_CHARACTERS_PER_TOKEN = 5
"""Generous for code, so that the window is seldom smaller than its budget."""


@dataclass(frozen=True, slots=True)
class Window:
    """Text before and after the cursor."""

    before: str
    after: str


def window(document: Document, offset: int, prefix_tokens: int, suffix_tokens: int) -> Window:
    """Cut whole lines around `offset`, large enough for the two budgets."""
    text = document.text
    start = _start(text, offset, prefix_tokens * _CHARACTERS_PER_TOKEN)
    after = text[offset : offset + suffix_tokens * _CHARACTERS_PER_TOKEN]
    if offset + len(after) < len(text) and "\n" in after:
        after = after[: after.rfind("\n") + 1]
    return Window(text[start:offset], after)


def _start(text: str, offset: int, size: int) -> int:
    step = max(1, size // 4)
    least = -(-max(0, offset - size) // step) * step
    if least == 0:
        return 0
    line = text.find("\n", least, offset)
    return line + 1 if line >= 0 else least
