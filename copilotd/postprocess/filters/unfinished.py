"""Half a line at the end of several is worth less than nothing."""

from copilotd.postprocess.context import Draft, Scene


def apply(scene: Scene, draft: Draft) -> Draft:
    """If the token limit ended the text, cut its last line, unless it is the only one."""
    whole, newline, _ = draft.text.rstrip("\n").rpartition("\n")
    if not draft.unfinished or not newline or not whole.strip():
        return draft
    return draft.with_text(whole)
