"""What was offered to the editor last, file by file, to recognise it when it is accepted."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from copilotd.completion.types import Completion
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.positions import Encoding

ACCEPT = "copilotd.accept"
"""The command that an item carries; editors run it when the item was inserted."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A completion and the version of the file that it was made for."""

    snapshot: Snapshot
    completion: Completion

    @property
    def command(self) -> types.Command:
        """Tells the server that the offer was accepted."""
        return types.Command("Accept completion", ACCEPT, arguments=[self.completion.id])

    def range(self, start: int, end: int, encoding: Encoding) -> types.Range:
        """The range between two offsets of the file."""
        return self.snapshot.range(start, end, encoding)

    def fulfilled_by(self, text: str) -> bool:
        """Whether `text` is what the file becomes when the completion is accepted."""
        before, completion = self.snapshot.document.text, self.completion
        wanted = before[: completion.start] + completion.text + before[completion.end :]
        # An editor may write its own line ends when it inserts several lines.
        return wanted.replace("\r\n", "\n") == text.replace("\r\n", "\n")


class Offers:
    """The last offer of each file."""

    def __init__(self) -> None:
        self._last: dict[str, Offer] = {}

    def made(self, offer: Offer) -> None:
        """The editor was given `offer`."""
        self._last[offer.snapshot.document.uri] = offer

    def text(self, id: str) -> str | None:
        """The text offered last under this id."""
        offers = self._last.values()
        return next((o.completion.text for o in offers if o.completion.id == id), None)

    def taken(
        self, snapshot: Snapshot, changes: Sequence[types.TextDocumentContentChangeEvent]
    ) -> str | None:
        """The id of the offer that `changes`, which led to `snapshot`, carried out.

        Each offer is reported once. A single typed character is never taken for an acceptance.
        """
        offer = self._last.get(snapshot.document.uri)
        if offer is None or all(len(change.text) < 2 for change in changes):
            return None
        if not offer.fulfilled_by(snapshot.document.text):
            return None
        del self._last[snapshot.document.uri]
        return offer.completion.id

    def forget(self, uri: str) -> None:
        """The file was closed."""
        self._last.pop(uri, None)
