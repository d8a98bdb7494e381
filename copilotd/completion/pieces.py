"""Which part of an unfinished completion can be shown: a piece that only grows."""

import re

MIN_LENGTH = 10
"""Characters of the first piece. A shorter one says nothing, and draws the eye for it."""

_MAY_GROW = re.compile(
    # The scripts from U+2E80 to U+D7AF have no spaces between words.
    r"(?:[^\W\u2e80-\ud7af]+|[^\w\s()\[\]{},;]+)\Z"
)
"""The last word, or the last run of operators and quotes: the model may be in the middle of it."""
_SPACE_AFTER_CODE = re.compile(r"(?<=\S)[ \t]+\Z")
_WORD = re.compile(r"[^\W_]{2}|[^\W\d_]")


def cut_at_boundary(text: str) -> str:
    """The text without its last word or operator, which may go on."""
    return _SPACE_AFTER_CODE.sub("", _MAY_GROW.sub("", text))


def is_worth_showing(text: str) -> bool:
    """Whether the first piece has a whole word and about ten characters."""
    shown = text.strip()
    return len(shown) >= MIN_LENGTH and bool(_WORD.search(shown))
