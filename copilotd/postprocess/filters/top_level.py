"""A new top-level definition in the middle of other code does not belong to the completion."""

import re

from copilotd.postprocess.balance import ends_inside
from copilotd.postprocess.context import CursorContext, Mode
from copilotd.syntax.languages import PROSE
from copilotd.syntax.lines import Line, split_lines

_MODIFIERS = (
    r"(?:(?:export|default|pub(?:\([\w:]+\))?|public|private|protected|internal|static|async|"
    r"abstract|final|sealed|unsafe|extern|inline|constexpr|local|data|open)\s+)*"
)
_DEFINITION = re.compile(
    rf"{_MODIFIERS}(?:def|class|func|function|fn|fun|impl|struct|enum|trait|interface|module|"
    r"namespace|object|sub|proc|macro_rules!)(?:\s+[\w*(\[$<]|<)"
    r"|if __name__\b"
    r"|(?!(?:await|catch|do|else|for|if|new|return|switch|throw|try|while)\b)"
    r"[A-Za-z_][\w:<>,*& ]*[*& ][\w:~]+\([^;]*\)\s*(?:const\s*)?\{\s*$"
)
_ATTACHED = re.compile(r"@|#\[|//|/\*|\*|--|#(?!include|define|if|endif|pragma)|template\s*<")
"""A decorator, an attribute or a comment: it belongs to the definition below it."""


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before a definition in column 0 that is not the start of the text.

    Comments and decorators directly above the definition are cut with it.
    """
    if context.mode is not Mode.BLOCK or context.language in PROSE or "\n" not in text:
        return None
    lines = split_lines(text, context.line_before)
    for index, line in enumerate(lines):
        first = _first_attached(lines, index)
        if first > 0 and _is_definition(line) and not ends_inside(context, text[: line.start]):
            return lines[first].cut_before
    return None


def _first_attached(lines: list[Line], index: int) -> int:
    while index > 0 and _ATTACHED.match(lines[index - 1].text):
        index -= 1
    return index


def _is_definition(line: Line) -> bool:
    # A definition shows in its whole line, or in a keyword and the text after it.
    return bool(_DEFINITION.match(line.text)) and (line.complete or " " in line.text.strip())
