"""The item that is selected in the editor's completion menu while it requests ghost text.

VS Code draws only ghost text that continues the selected item, and discards all other. So the
completion is made for the file as it is after the user accepts the item.
"""

from dataclasses import dataclass, replace

from lsprotocol import types

from copilotd.completion.types import Completion
from copilotd.documents import Document
from copilotd.lsp.changes import replace_surrogates
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.positions import Encoding


@dataclass(frozen=True, slots=True)
class SelectedItem:
    """The item would replace the code points from `start` to `end` of the file by `text`."""

    start: int
    end: int
    text: str

    @classmethod
    def of(
        cls, info: types.SelectedCompletionInfo, snapshot: Snapshot, encoding: Encoding
    ) -> "SelectedItem":
        """Convert the editor's description of the item."""
        start = snapshot.offset_at(info.range.start, encoding)
        end = snapshot.offset_at(info.range.end, encoding)
        return cls(start, max(start, end), replace_surrogates(info.text))

    def accept_in(self, document: Document) -> tuple[Document, int]:
        """The file after the user accepts the item, and the cursor behind the item."""
        text = document.text[: self.start] + self.text + document.text[self.end :]
        return replace(document, text=text), self.start + len(self.text)

    def extend(self, completion: Completion) -> Completion:
        """The completion that replaces what the item replaces, by the item's text and its own.

        `completion` was made for the file of `accept_in`.
        """
        replaced = completion.end - completion.start
        text = self.text + completion.text
        return replace(completion, text=text, start=self.start, end=self.end + replaced)
