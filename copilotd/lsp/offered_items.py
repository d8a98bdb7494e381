"""The last item that the editor was offered in each file, to recognise when the user accepts it."""

from dataclasses import dataclass

from lsprotocol import types

from copilotd.completion.types import Completion
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.positions import Encoding

ACCEPT = "copilotd.accept"
"""The command of an item. Editors run it after they have inserted the item."""


@dataclass(frozen=True, slots=True)
class OfferedItem:
    """A completion, and the version of the file that it belongs to."""

    snapshot: Snapshot
    completion: Completion

    @property
    def command(self) -> types.Command:
        """The command that tells the server about the acceptance."""
        return types.Command("Accept completion", ACCEPT, arguments=[self.completion.id])

    def range(self, start: int, end: int, encoding: Encoding) -> types.Range:
        """The range between two offsets of the file."""
        return self.snapshot.range(start, end, encoding)

    def results_in(self, text: str) -> bool:
        """Whether the file has this text after the user accepts the item."""
        before, completion = self.snapshot.document.text, self.completion
        accepted = before[: completion.start] + completion.text + before[completion.end :]
        # An editor may use its own line endings when it inserts several lines.
        return accepted.replace("\r\n", "\n") == text.replace("\r\n", "\n")


class OfferedItems:
    """The last item of each file."""

    def __init__(self) -> None:
        self._last: dict[str, OfferedItem] = {}

    def record(self, item: OfferedItem) -> None:
        """Remember that the editor was offered `item`."""
        self._last[item.snapshot.document.uri] = item

    def find_text(self, id: str) -> str | None:
        """The text of the completion with this id; None if it is not the last of any file."""
        items = self._last.values()
        return next((item.completion.text for item in items if item.completion.id == id), None)

    def take_accepted(self, snapshot: Snapshot, inserted: int) -> str | None:
        """The id of the completion that a change inserted; `snapshot` is the file after it.

        Each id is returned once. A change that inserts less than two characters at a place
        (`inserted` is the most) never counts as an acceptance.
        """
        item = self._last.get(snapshot.document.uri)
        if item is None or inserted < 2:
            return None
        if not item.results_in(snapshot.document.text):
            return None
        del self._last[snapshot.document.uri]
        return item.completion.id

    def forget(self, uri: str) -> None:
        """Forget the item of a file that was closed."""
        self._last.pop(uri, None)
