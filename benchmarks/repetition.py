"""Finds text that says again what already stands behind the cursor."""

import re

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SEEN = 3
"""So many tokens of the rest of the line in a row are a repetition, if a word is among them."""
_SHORT = 3
"""A shorter word is no repetition if it stands alone: `x` may well come twice in a line."""


def repeats_rest_of_line(text: str, rest: str) -> bool:
    """Whether the first line of `text` has the beginning of `rest` in it.

    `rest` is what stays behind `text` on the line. The beginning is its first three tokens, or all
    of it, and goes on to its first word. White space does not count.
    """
    behind = _TOKEN.findall(rest)
    words = [at for at, token in enumerate(behind) if token[0].isalnum() or token[0] == "_"]
    if not words or (len(behind) == 1 and len(behind[0]) < _SHORT):
        return False
    start = behind[: max(_SEEN, words[0] + 1)]
    tokens = _TOKEN.findall(text.partition("\n")[0])
    return any(tokens[at : at + len(start)] == start for at in range(len(tokens)))
