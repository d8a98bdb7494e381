"""Fenced code blocks of Markdown (CommonMark 0.31, section 4.5)."""

import re

_BACKTICKS = re.compile(r"`{3,}")


def choose_fence(text: str) -> str:
    """Return a fence that encloses `text`: longer than every run of backticks in it."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    return "`" * (longest + 1)


def fence(text: str, language: str = "") -> str:
    """Return `text` as a fenced code block."""
    marks = choose_fence(text)
    return f"{marks}{language}\n{text.rstrip()}\n{marks}"
