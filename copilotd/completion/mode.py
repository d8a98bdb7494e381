"""Whether the cursor needs one line or several."""

import re

from copilotd.documents import Document
from copilotd.postprocess.context import Mode
from copilotd.syntax.fences import find_fenced_code
from copilotd.syntax.languages import PROSE, detect_language
from copilotd.syntax.lines import unify_line_ends

_CLOSERS = " \t)]}>\"'`;,:"
_OPENS_BLOCK = re.compile(
    r"(\{|=>|->|\b(then|do|else|begin|of))\s*$"
    r"|^\s*(async\s+)?(if|elif|else|for|while|try|except|finally|with|match|case|switch|default"
    r"|public|private|protected)\b.*:\s*$"
)
_DEFINES = re.compile(
    r"^\s*(@\w+|(export\s+|pub(\(\w+\))?\s+|public\s+|private\s+|protected\s+|static\s+|async\s+"
    r"|default\s+|local\s+|abstract\s+)*(def|class|func|fn|function|interface|struct|enum|impl|trait"
    r"|module|type)\b)"
)
_COMMENT = re.compile(r"^\s*(#|//|--|/\*|\*|;|<!--)")


def choose_mode(document: Document, offset: int) -> Mode:
    """BLOCK on a blank line, after text that opens a block, and in a definition; else LINE.

    Code after the cursor, except closing brackets and quotes, always means LINE, and so does prose.
    """
    text = unify_line_ends(document.text)
    before = text[text.rfind("\n", 0, offset) + 1 : offset]
    after = text[offset:].split("\n", 1)[0]
    if after.strip(_CLOSERS + "\r"):
        return Mode.LINE
    if _is_prose(document, offset):
        return Mode.LINE
    if not before.strip():
        return Mode.BLOCK
    if _COMMENT.match(before):
        return Mode.LINE
    opens = _OPENS_BLOCK.search(before) or _DEFINES.match(before)
    return Mode.BLOCK if opens else Mode.LINE


def _is_prose(document: Document, offset: int) -> bool:
    """Whether the cursor is in prose; code between fences is not."""
    return detect_language(document) in PROSE and find_fenced_code(document, offset) is None
