"""Control tokens that the model wrote out as text, such as `<|endoftext|>`.

The text after one belongs to another document, so the completion ends there; tokens before the
text are removed. Inside a string or a comment they are ordinary code.
"""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.nesting import scan_nesting

_TOKEN = re.compile(
    r"<\|[A-Za-z][\w-]{0,30}\|>|<\uff5c[^\uff5c\n]{1,30}\uff5c>"
    r"|<(?:fim_(?:prefix|suffix|middle|pad)|file_sep|repo_name|EOT|SUF|MID)>"
)
_FIRST = re.compile(rf"\s*(?:{_TOKEN.pattern})")


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before the first control token, unless the text begins with it."""
    for match in _TOKEN.finditer(text):
        before = text[: match.start()]
        if _FIRST.match(text) and not _remove_leading(before).strip():
            continue
        if not scan_nesting(context.nesting.due, before, context.language).in_region:
            return match.start()
    return None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove control tokens at the start, and everything from the next one on."""
    text = candidate.text if context.nesting.in_region else _remove_leading(candidate.text)
    return candidate.with_text(text[: truncate_at(context, text)])


def _remove_leading(text: str) -> str:
    while match := _FIRST.match(text):
        text = text[match.end() :]
    return text
