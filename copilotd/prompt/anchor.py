"""Anchored FIM prompts: the prefix ends some lines above the cursor, at the anchor.

The text from the anchor to the cursor is the tail. It follows the middle marker, as the beginning
of the model's output. A keystroke then appends to the prompt and changes nothing in it, so the KV
cache holds everything but the new characters.
"""

import re
from dataclasses import dataclass

from copilotd.documents import Document, Snippet
from copilotd.prompt.token_estimate import characters_per_token, find_end
from copilotd.prompt.windows import keeps_start, window_at

_CONTEXT_CHARACTERS = 400
"""Number of characters on either side of the cursor that must equal the prompt's."""
_MAX_TAIL_CHARACTERS = 3000
_STALE_TAIL_CHARACTERS = 800
"""From this length on, a prompt with a new anchor is worth its prefill in the next pause."""
_MIN_SUFFIX = 0.85
"""Share of the budget that whole lines must fill; otherwise the suffix ends inside a line."""
_AUTO_CLOSED = re.compile(r"[\s)\]}>\"'`;,]{0,24}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The text of an anchored prompt: `text[start:anchor]`, and `after`, the text after the cursor.

    `to_end` is true if `after` reaches the end of the document.
    """

    start: int
    anchor: int
    before: str
    after: str
    to_end: bool


@dataclass(frozen=True, slots=True)
class Match:
    """How a prompt continues to a cursor.

    `tail` is the text from the anchor to the cursor. A new anchor would not improve a `fresh`
    match.
    """

    tail: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class AnchoredPrompt:
    """A layout and its token ids. The ids end with the middle marker.

    A `brief` prompt serves until a longer one is in the KV cache. `rendered` is the prompt as text,
    with the names of its special tokens. `repositionable` is the field of `GenerateRequest`.
    `snippets` are in front of the document. `n_suffix` is the number of tokens of the text after
    the cursor.
    """

    layout: Layout
    tokens: tuple[int, ...]
    brief: bool = False
    rendered: str = ""
    repositionable: tuple[int, int] | None = None
    snippets: tuple[Snippet, ...] = ()
    n_suffix: int = 0

    def is_whole_with(self, snippets: tuple[Snippet, ...]) -> bool:
        """Whether it is not brief, and begins with these snippets."""
        return not self.brief and self.snippets == snippets

    def match(self, text: str, offset: int) -> Match | None:
        """How the prompt continues to a cursor at `offset` of `text`; None if it does not."""
        anchor = _find_anchor(self.layout, text, offset)
        gap = _find_gap(self.layout, text, offset)
        if anchor is None or gap is None or offset - anchor > _MAX_TAIL_CHARACTERS:
            return None
        before = text.startswith(self.layout.before, anchor - len(self.layout.before))
        after = text.startswith(self.layout.after, offset + gap)
        is_fresh = before and after and offset - anchor <= _STALE_TAIL_CHARACTERS
        return Match(text[anchor:offset], is_fresh)


@dataclass(frozen=True, slots=True)
class PlacedPrompt:
    """A prompt for one cursor: the anchored tokens, then `match.tail`.

    `uncached_tokens` is the number of tokens that were not in the KV cache when it was chosen.
    """

    prompt: AnchoredPrompt
    match: Match
    uncached_tokens: int = 0

    @property
    def rendered(self) -> str:
        """The prompt as text."""
        return self.prompt.rendered + self.match.tail


def lay_out(
    document: Document,
    offset: int,
    lines_above: int,
    prefix_tokens: int,
    suffix_tokens: int,
    previous: Layout | None = None,
) -> Layout:
    """Put the anchor `lines_above` lines above the cursor's line; cut both sides at line ends.

    The prefix begins at the start of a fixed window (`windows.py`), and has about `prefix_tokens`
    if the text is long enough. If an edit moved that window, the prefix begins where `previous`
    does.
    """
    text = document.text
    anchor = place_anchor(text, offset, lines_above)
    size = prefix_characters(text, prefix_tokens)
    start = _previous_start(text, anchor, size, previous)
    if start is None:
        start = window_at(text, anchor, size).start
    end = cut_suffix(text, offset, suffix_tokens)
    return Layout(start, anchor, text[start:anchor], text[offset:end], end == len(text))


def place_anchor(text: str, offset: int, lines_above: int) -> int:
    """The place of the anchor for a cursor at `offset`."""
    return max(_line_start(text, offset, lines_above), offset - _STALE_TAIL_CHARACTERS)


def cut_suffix(text: str, offset: int, suffix_tokens: int) -> int:
    """The end of the text after the cursor that has about `suffix_tokens`."""
    return _suffix_end(text, offset, find_end(text, offset, suffix_tokens))


def prefix_characters(text: str, prefix_tokens: int) -> int:
    """The length of a prefix of `prefix_tokens`; it stays the same while the text is edited."""
    return int(prefix_tokens * characters_per_token(text))


def _line_start(text: str, offset: int, lines_above: int) -> int:
    at = offset
    for _ in range(lines_above + 1):
        at = text.rfind("\n", 0, max(0, at))
        if at < 0:
            return 0
    return at + 1


def _previous_start(text: str, anchor: int, size: int, previous: Layout | None) -> int | None:
    if previous is None:
        return None
    start = previous.start
    if not text.startswith(previous.before[:_CONTEXT_CHARACTERS], start):
        start = text.find(previous.before[:_CONTEXT_CHARACTERS])
    return start if start >= 0 and keeps_start(text, start, anchor, size) else None


def _suffix_end(text: str, offset: int, end: int) -> int:
    """The last line end before `end`, unless much text would be lost."""
    if end >= len(text):
        return len(text)
    line_end = text.rfind("\n", offset, end) + 1
    return line_end if line_end - offset >= _MIN_SUFFIX * (end - offset) else end


def _find_anchor(layout: Layout, text: str, offset: int) -> int | None:
    """The offset of the anchor in `text`: the old one, or the one that its lines moved to."""
    if layout.anchor <= offset and text.startswith(layout.before, layout.start):
        return layout.anchor
    above = layout.before[-_CONTEXT_CHARACTERS:]
    first = max(0, offset - _MAX_TAIL_CHARACTERS - _CONTEXT_CHARACTERS)
    found = text.rfind(above, first, offset) if above else -1
    return found + len(above) if found >= 0 else None


def _find_gap(layout: Layout, text: str, offset: int) -> int | None:
    """Characters the editor put between the cursor and the suffix; None if the suffix changed."""
    closed = _AUTO_CLOSED.match(text, offset)
    longest = closed.end() - offset if closed else 0
    for gap in range(longest + 1):
        at = offset + gap
        if layout.to_end and len(text) - at != len(layout.after):
            continue
        if text.startswith(layout.after[:_CONTEXT_CHARACTERS], at):
            return gap
    return None
