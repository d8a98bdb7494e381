"""Code blocks in Markdown: the lines between two fences are code of their own language.

The rules of fences are those of CommonMark 0.31, section 4.5.
"""

import re
from dataclasses import dataclass, replace

from copilotd.documents import Document
from copilotd.syntax.language_ids import resolve_language
from copilotd.syntax.languages import detect_language
from copilotd.syntax.lines import unify_line_ends

_WITH_FENCES = frozenset({"markdown", "mdx", "plaintext", "quarto", "rmd", "git-commit"})
_FENCE = re.compile(r"^[ \t>]*(?P<marks>`{3,}|~{3,})(?P<info>[^\n`]*)$", re.MULTILINE)
_INFO = re.compile(r"\s*\{?\s*\.?(?P<language>[A-Za-z][\w+#.-]*)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A code block: its code is `text[start:end]`."""

    start: int
    end: int
    language: str


def find_fenced_code(document: Document, offset: int) -> tuple[Document, int] | None:
    """The code block around `offset` as a document, and the offset in it; None if there is none."""
    if detect_language(document) not in _WITH_FENCES:
        return None
    fence = find_fence(unify_line_ends(document.text), offset)
    if fence is None:
        return None
    code = document.text[fence.start : fence.end]
    # A name would outweigh a block without a language.
    inner = replace(document, text=code, language=fence.language, path="", uri="")
    return inner, offset - fence.start


def find_fence(text: str, offset: int) -> Fence | None:
    """The code block around `offset`; a fence itself is in none.

    A block that is not closed, or that another fence with a language follows, is still being
    written: it ends with the cursor's line.
    """
    opener = _find_opener(text, offset)
    if opener is None:
        return None
    start, line_end = opener.end() + 1, text.find("\n", offset)
    end = line_end if line_end >= 0 else len(text)
    if _FENCE.fullmatch(text, text.rfind("\n", 0, offset) + 1, end):
        return None
    closer = _find_closer(text, end, opener)
    if closer is not None:
        end = closer.start() - 1
    end -= text[end - 1 : end] == "\r" and end > offset
    info = _INFO.match(opener["info"])
    return Fence(start, end, resolve_language(info["language"]) if info else "")


def _find_opener(text: str, offset: int) -> re.Match[str] | None:
    """The fence that is open at the cursor's line."""
    line = text.rfind("\n", 0, offset) + 1
    opener: re.Match[str] | None = None
    for fence in _FENCE.finditer(text, 0, max(0, line - 1)):
        if opener is None:
            opener = fence
        elif _closes(opener, fence):
            opener = None
    return opener if line else None


def _find_closer(text: str, start: int, opener: re.Match[str]) -> re.Match[str] | None:
    """The fence that closes the block, unless another block begins first."""
    for fence in _FENCE.finditer(text, start):
        if fence["marks"].startswith(opener["marks"]):
            return fence if _closes(opener, fence) else None
    return None


def _closes(opener: re.Match[str], fence: re.Match[str]) -> bool:
    return fence["marks"].startswith(opener["marks"]) and not fence["info"].strip()
