"""The layout of a brief prompt: the lines nearest to the cursor, and lines like them.

A brief prompt has so few tokens that a machine evaluates it while the user waits, so each line in
it must be worth its place.
"""

from dataclasses import dataclass

from copilotd.documents import Document
from copilotd.prompt.anchor import Layout, cut_suffix, place_anchor
from copilotd.prompt.similar_lines import find_similar_lines
from copilotd.prompt.token_estimate import characters_per_token

_NEAR_SHARE = 0.6
"""Share of the tokens before the cursor that are for the lines directly above it."""


@dataclass(frozen=True, slots=True)
class BriefLayout:
    """`similar` are lines from elsewhere in the document, which stand in front of the prefix."""

    layout: Layout
    similar: str


def lay_out_brief(
    document: Document, offset: int, lines_above: int, before_tokens: int, after_tokens: int
) -> BriefLayout:
    """Lay out a prompt with about `before_tokens` in front of the tail."""
    text = document.text
    anchor, end = place_anchor(text, offset, lines_above), cut_suffix(text, offset, after_tokens)
    # With the tail in it, a slow machine's few tokens would hold nothing else.
    size = int(before_tokens * characters_per_token(text)) + offset - anchor
    near = min(anchor, _line_start_from(text, offset - int(_NEAR_SHARE * size)))
    similar = find_similar_lines(text, offset, near, end, size - (offset - near))
    start = min(near, _line_start_from(text, offset - size + len(similar)))
    if similar and similar in text[start:near]:
        similar = ""
    layout = Layout(start, anchor, text[start:anchor], text[offset:end], end == len(text))
    return BriefLayout(layout, similar)


def _line_start_from(text: str, at: int) -> int:
    """The first line start at or after `at`."""
    return 0 if at <= 0 else text.find("\n", at - 1) + 1 or len(text)
