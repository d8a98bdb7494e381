"""Line ends are the document's own."""

from copilotd.postprocess.context import Draft, Scene


def apply(scene: Scene, draft: Draft) -> Draft:
    """End lines with CR LF where the document's first line does."""
    first = scene.document.text.find("\n")
    if first < 1 or scene.document.text[first - 1] != "\r":
        return draft
    return draft.with_text(draft.text.replace("\n", "\r\n"))
