"""Fenced code blocks of Markdown (CommonMark 0.31, section 4.5)."""

import re

_BACKTICKS = re.compile(r"`{3,}")


def fence(text: str) -> str:
    """Backticks enough to enclose `text`, whatever runs of them it holds."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    return "`" * (longest + 1)


def fenced(text: str, language: str = "") -> str:
    """`text` as a block."""
    marks = fence(text)
    return f"{marks}{language}\n{text.rstrip()}\n{marks}"
