"""FIM prompts that stay as they are while somebody types.

The prompt of Bavarian et al. 2022 ends its prefix at the cursor, so every keystroke moves the
suffix and all of it is evaluated again. Here the prefix ends at an anchor, the beginning of a line
some way above the cursor, and what stands between anchor and cursor follows the middle marker, as
if the model had written it: a keystroke appends a token or two.

An anchor also serves a document that has changed a little since, until a fresh one is evaluated:
far from the cursor the text may differ. Brackets that the editor closed by itself are left for the
model to write.
"""

import re
from dataclasses import dataclass

from copilotd.documents import Document, Snippet

_CHARACTERS_PER_TOKEN = 3.2
"""A little less than code has, so that the budget is nearly met and seldom exceeded."""
_NEAR = 400
"""Characters on either side of the cursor that must be those of the anchor's prompt."""
_LONGEST_TAIL = 3000
"""Characters from the anchor to the cursor at most."""
_LONG_TAIL = 800
"""From here on a fresh anchor is worth its price, once there is time for it."""
_AUTO_CLOSED = re.compile(r"[\s)\]}>\"'`;,]{0,24}")


@dataclass(frozen=True, slots=True)
class Layout:
    """What an anchored prompt is made of: `text[start:at]` before it, `after` behind the cursor.

    `to_end` says that `after` reaches the end of the document.
    """

    start: int
    at: int
    before: str
    after: str
    to_end: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """`tail` is the text from the anchor to a cursor; `fresh` that a new anchor would not help."""

    tail: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class Anchor:
    """A layout and its `prompt` in tokens, which ends with the middle marker.

    A `brief` one serves until a longer one is evaluated; `rendered` is the prompt as text, special
    tokens shown as their names; `movable` is as in a request for it; `snippets` stand in front.
    """

    layout: Layout
    prompt: tuple[int, ...]
    brief: bool = False
    rendered: str = ""
    movable: tuple[int, int] | None = None
    snippets: tuple[Snippet, ...] = ()

    def is_whole_with(self, snippets: tuple[Snippet, ...]) -> bool:
        """Whether it is not brief, and has those in front."""
        return not self.brief and self.snippets == snippets

    def fit(self, text: str, offset: int) -> Fit | None:
        """How the prompt goes on to a cursor at `offset` of `text`; None if it does not."""
        at = _anchored(self.layout, text, offset)
        gap = _gap(self.layout, text, offset)
        if at is None or gap is None or offset - at > _LONGEST_TAIL:
            return None
        before = text.startswith(self.layout.before, at - len(self.layout.before))
        after = text.startswith(self.layout.after, offset + gap)
        return Fit(text[at:offset], before and after and offset - at <= _LONG_TAIL)


def lay_out(
    document: Document,
    offset: int,
    lines_above: int,
    prefix_tokens: int,
    suffix_tokens: int,
    previous: Layout | None = None,
) -> Layout:
    """Anchor `lines_above` lines above the cursor's; both sides are cut at line ends.

    The prefix has at least `prefix_tokens` where the text has them, and at most half as many again:
    its beginning moves in steps, and not with every line. It is where that of `previous` is, if
    possible, and otherwise at a place that a later start of the daemon comes to as well.
    """
    text = document.text
    at = max(_line_start(text, offset, lines_above), offset - _LONG_TAIL)
    size = int(prefix_tokens * _CHARACTERS_PER_TOKEN)
    start = _kept_start(text, at, size, previous)
    if start is None:
        start = _stepped_start(text, at, size)
    end = _suffix_end(text, offset, int(suffix_tokens * _CHARACTERS_PER_TOKEN))
    return Layout(start, at, text[start:at], text[offset:end], end == len(text))


def _line_start(text: str, offset: int, lines_above: int) -> int:
    at = offset
    for _ in range(lines_above + 1):
        at = text.rfind("\n", 0, max(0, at))
        if at < 0:
            return 0
    return at + 1


def _kept_start(text: str, at: int, size: int, previous: Layout | None) -> int | None:
    if previous is None:
        return None
    start = previous.start
    if not text.startswith(previous.before[:_NEAR], start):
        start = text.find(previous.before[:_NEAR])
    return start if 0 <= start <= at < start + size + _step(size) else None


def _stepped_start(text: str, at: int, size: int) -> int:
    step = _step(size)
    start = max(0, at - size) // step * step
    return max(text.rfind("\n", 0, start) + 1, start - step)


def _step(size: int) -> int:
    return max(1, size // 2)


def _suffix_end(text: str, offset: int, size: int) -> int:
    if offset + size >= len(text):
        return len(text)
    end = text.rfind("\n", offset, offset + size) + 1
    return end or offset + size


def _anchored(layout: Layout, text: str, offset: int) -> int | None:
    """Where the anchor stands in `text`: at its old place, or where the lines above it went."""
    if layout.at <= offset and text.startswith(layout.before, layout.start):
        return layout.at
    near = layout.before[-_NEAR:]
    found = text.rfind(near, max(0, offset - _LONGEST_TAIL - _NEAR), offset) if near else -1
    return found + len(near) if found >= 0 else None


def _gap(layout: Layout, text: str, offset: int) -> int | None:
    """Length of what the editor put between the cursor and the suffix; None if that changed."""
    closed = _AUTO_CLOSED.match(text, offset)
    longest = closed.end() - offset if closed else 0
    for gap in range(longest + 1):
        at = offset + gap
        if layout.to_end and len(text) - at != len(layout.after):
            continue
        if text.startswith(layout.after[:_NEAR], at):
            return gap
    return None
