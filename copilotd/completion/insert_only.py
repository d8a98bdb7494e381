"""Completions for clients that can only insert at the cursor."""

from copilotd.completion.types import Completion
from copilotd.documents import Document
from copilotd.syntax.languages import detect_language
from copilotd.syntax.nesting import Nesting, scan_nesting


def text_to_insert(document: Document, completion: Completion) -> str:
    """The part of the completion that fits in front of the text after the cursor.

    The completion may have its own copy of the text that it replaces. The result ends before that
    copy. It is empty if there is no such copy, because the client would leave the old text behind
    the new one.
    """
    replaced = document.text[completion.start : completion.end]
    if completion.text.endswith(replaced):
        return completion.text.removesuffix(replaced)
    return _text_before(replaced, completion.text, detect_language(document))


def _text_before(replaced: str, text: str, language: str) -> str:
    """`text` up to the first copy of `replaced` that is outside the brackets opened in `text`."""
    end = text.find(replaced)
    while end >= 0:
        if scan_nesting((), text[:end], language) == Nesting():
            return text[:end]
        end = text.find(replaced, end + 1)
    return ""
