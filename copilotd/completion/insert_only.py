"""Completions for clients that can only insert at the cursor."""

from copilotd.completion.types import Completion
from copilotd.documents import Document


def text_to_insert(document: Document, completion: Completion) -> tuple[str, int]:
    """The text to insert, and the end offset of the text that it replaces.

    If the text ends with its own copy of the replaced text, both are left out.
    """
    replaced = document.text[completion.start : completion.end]
    if replaced and completion.text.endswith(replaced):
        return completion.text.removesuffix(replaced), completion.start
    return completion.text, completion.end
