"""The number of tokens of a text, estimated from its kinds of characters.

Budgets count tokens, but only the worker has the tokenizer, and a layout is chosen before the text
is tokenized. One ratio for every text is wrong by a factor of six between Python and a table of
numbers. The weights are a least-squares fit to Qwen2.5-Coder's tokenizer over code in ten
languages, minified code, tables of numbers, and prose in nine languages; the sums of each of these
kinds are within 10 % of the tokenizer's.
"""

import re
from collections import Counter
from functools import lru_cache
from math import log
from zlib import crc32

_BLOCK = 256
"""Characters that are estimated at once."""
_REACH = 250_000
"""Characters at the start of a file that show its ratio."""
_SAMPLE = 4_000
"""Characters whose tokens are estimated for the ratio, at most."""
_ROUNDING = 1.2
"""Two neighbouring ratios differ by this factor."""
_USUAL_RATIO = _ROUNDING**7
"""For a text that shows nothing: 3.6, as in most code."""

_WEIGHTS = {
    "word": 1.18,
    "digit": 1.0,
    "joined": 0.4,
    "marks": 0.92,
    "before_digit": 1.0,
    "blank": 0.0,
    "line_end": 0.8,
    "blanks": 0.7,
    "kana": 0.66,
    "ideograph": 0.6,
    "cyrillic": 0.34,
    "latin": 0.8,
    "arabic": 0.43,
    "hangul": 0.82,
    "script": 1.05,
    "other": 2.0,
}
"""Tokens of each match of `_PARTS`, by the name of its group. Marks that are joined to a word are
often in its token."""
_USUAL_WORD, _LETTERS_PER_TOKEN = 12, 3
"""A run of letters that is longer than a usual word is no word, and has short tokens."""
_PARTS = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z])|(?P<digit>\d)"
    r"|(?P<joined>[!-/:-@\[-`{-~]+(?=[A-Za-z]))|(?P<marks>[!-/:-@\[-`{-~]+)"
    r"|(?P<line_end>[ \t]*[\r\n]\s*)|(?P<blanks>[ \t]{2,})|(?P<before_digit>[ \t](?=\d))"
    r"|(?P<blank>[ \t])|(?P<kana>[\u3040-\u30ff])"
    r"|(?P<ideograph>[\u3000-\u303f\u3400-\u9fff\uff00-\uffef])|(?P<cyrillic>[\u0400-\u04ff])"
    r"|(?P<latin>[\u00c0-\u024f])|(?P<arabic>[\u0590-\u06ff])|(?P<hangul>[\uac00-\ud7af])"
    r"|(?P<script>[\u0370-\u03ff\u0900-\u0fff])|(?P<other>.)",
    re.DOTALL,
)


def estimate_tokens(text: str) -> float:
    """The probable number of tokens of `text`."""
    total = 0.0
    for part in _PARTS.finditer(text):
        total += _WEIGHTS[str(part.lastgroup)]
        if (length := part.end() - part.start()) > _USUAL_WORD and part.lastgroup == "word":
            total += (length - _USUAL_WORD) / _LETTERS_PER_TOKEN
    return total


@lru_cache(maxsize=8)
def characters_per_token(text: str) -> float:
    """The ratio of a whole file, from a sample of its lines, and rounded.

    The hash of a line decides whether it is in the sample, so an edit changes the sample near it
    only. Together with the rounding, this keeps the ratio the same while the user types.
    """
    sample = _choose_lines(text[:_REACH])
    tokens = sum(map(estimate_tokens, sample))
    if not tokens:
        return _USUAL_RATIO
    ratio: float = _ROUNDING ** round(log(sum(map(len, sample)) / tokens, _ROUNDING))
    return ratio


def find_end(text: str, start: int, tokens: float) -> int:
    """The place after `start` up to which the text has about `tokens` tokens."""
    while start < len(text):
        block = text[start : start + _BLOCK]
        found = estimate_tokens(block)
        if found > tokens:
            return start + int(len(block) * tokens / found)
        tokens, start = tokens - found, start + len(block)
    return len(text)


def _choose_lines(text: str) -> list[str]:
    lines = _split(text)
    share = 1 << (sum(map(len, lines)) // _SAMPLE).bit_length()
    copies: Counter[str] = Counter()
    chosen = []
    for line in lines:
        # One copy of a line differs from the next, so that a file of equal lines has a sample.
        if crc32(line.encode("utf-8", "surrogatepass"), copies[line]) % share == 0:
            chosen.append(line)
        copies[line] += 1
    return chosen


def _split(text: str) -> list[str]:
    """The lines of a text that are not blank, with their line ends; long ones in pieces."""
    return [
        line[start : start + _BLOCK]
        for line in text.splitlines(keepends=True)
        if line.strip()
        for start in range(0, len(line), _BLOCK)
    ]
