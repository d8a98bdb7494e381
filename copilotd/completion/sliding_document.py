"""Documents of clients that send a window of text around the cursor instead of the file.

The start of the window slides along the file as the user types, so the same place has another
offset in every request. The cache, the running generations and the prompts use offsets as keys. So
the text that slid out of the window is put back in front, and a place keeps its offset.
"""

from collections import OrderedDict

from copilotd.documents import Document

_KEY = 256
"""Number of characters at the start of a window that are searched for in the previous text."""
_MAX_CHARACTERS = 500_000
_MAX_DOCUMENTS = 16


class SlidingDocuments:
    """The last text of each document, by URI."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def place(self, window: Document, offset: int) -> tuple[Document, int]:
        """The known part of the document that contains `window`, and the cursor's offset in it.

        A window that continues no earlier one is a document by itself.
        """
        before = window.text[:offset]
        hidden = self._hidden_text(window.uri, before)
        self._remember(window.uri, len(hidden), hidden + before)
        if not hidden:
            return window, offset
        text = hidden + window.text
        document = Document(
            window.uri, text, window.language, window.version, window.path, window.snippets
        )
        return document, len(hidden) + offset

    def _hidden_text(self, uri: str, before: str) -> str:
        """The text in front of the window, as the previous requests showed it."""
        hidden, text = self._texts.get(uri, (0, ""))
        key = before[:_KEY]
        if len(key) < _KEY or len(text) > _MAX_CHARACTERS:
            return ""
        # The window usually slides forward, from where it was; back when the cursor moves up.
        start = text.find(key, hidden)
        if start < 0:
            start = text.rfind(key, 0, hidden + _KEY)
        return text[: max(0, start)]

    def _remember(self, uri: str, hidden: int, text: str) -> None:
        self._texts[uri] = hidden, text
        self._texts.move_to_end(uri)
        while len(self._texts) > _MAX_DOCUMENTS:
            self._texts.popitem(last=False)
