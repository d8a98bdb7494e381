"""Models explain code in plain sentences, which are no code."""

import re

from copilotd.postprocess.context import CursorContext
from copilotd.postprocess.filters.finished_statement import is_at_end
from copilotd.syntax.languages import MARKUP, PROSE
from copilotd.syntax.lines import Line, split_lines
from copilotd.syntax.nesting import scan_nesting
from copilotd.syntax.statements import CONFIGURATION

_EXEMPT = PROSE | MARKUP | CONFIGURATION | {"", "cucumber", "feature", "gherkin", "git-rebase"}
_SENTENCE = re.compile(r"\s*[A-Z][a-z]*(?:['-][a-z]+)?(?:,? [\w.`'/-]+(?:\(\))?){4,}[.:!?]?\s*")
_SMALL_WORD = re.compile(
    r" (?:a|an|and|are|as|be|by|for|from|if|in|is|it|of|on|or|that|the|this|to|we|which|will|with|"
    r"you) "
)


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before the first line that is a sentence, outside of strings and comments."""
    if context.language in _EXEMPT or context.nesting.in_region:
        return None
    for line in split_lines(text):
        if line.complete and is_sentence(line.text) and _is_code_expected(context, text, line):
            return line.cut_before
    return None


def is_sentence(line: str) -> bool:
    """Whether the line is at least five words of plain English, with a small word among them."""
    return bool(_SENTENCE.fullmatch(line) and _SMALL_WORD.search(line))


def _is_code_expected(context: CursorContext, text: str, line: Line) -> bool:
    if line.start == 0 and not (context.at_line_start or is_at_end(context)):
        return False
    return not scan_nesting(context.nesting.due, text[: line.start], context.language).in_region
