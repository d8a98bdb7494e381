"""A suggestion for those who can only insert at the cursor."""

from copilotd.completion.types import Completion
from copilotd.documents import Document


def addition(document: Document, completion: Completion) -> tuple[str, int]:
    """What to insert, and the offset up to which it replaces.

    Where the text ends in its copy of what it replaces, both can be left out.
    """
    replaced = document.text[completion.start : completion.end]
    if replaced and completion.text.endswith(replaced):
        return completion.text.removesuffix(replaced), completion.start
    return completion.text, completion.end
