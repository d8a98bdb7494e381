"""Completions for clients that can only insert at the cursor."""

from copilotd.completion.types import Completion
from copilotd.documents import Document


def text_to_insert(document: Document, completion: Completion) -> tuple[str, int]:
    """The text to insert, and the offset up to which it replaces.

    Where the text ends with its own copy of what it replaces, both are left out.
    """
    replaced = document.text[completion.start : completion.end]
    if replaced and completion.text.endswith(replaced):
        return completion.text.removesuffix(replaced), completion.start
    return completion.text, completion.end
