"""Tells the editor when the model has written more of a suggestion than it could offer in time."""

import asyncio
from collections.abc import Callable

from copilotd.completion.service import CompletionService
from copilotd.completion.types import Completion, CompletionRequest
from copilotd.lsp.offered_items import OfferedItem

LONGER = "copilotd/longerCompletion"
"""The notification. Its parameter `textDocument` names the file and its version."""


class CompletionFollower:
    """Follows the partial completion that was offered last on one connection."""

    def __init__(
        self, completion: CompletionService, announce: Callable[[OfferedItem], None]
    ) -> None:
        self._completion = completion
        self._announce = announce
        self._following: asyncio.Task[None] | None = None

    def follow(self, request: CompletionRequest, part: Completion, item: OfferedItem) -> None:
        """Announce the item when more than `part` is written, and stop following any other."""
        self.stop()
        self._following = asyncio.create_task(self._follow(request, part, item))

    def stop(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()

    async def _follow(
        self, request: CompletionRequest, part: Completion, item: OfferedItem
    ) -> None:
        whole = await self._completion.wait_for_whole(request)
        if whole and len(whole.text) > len(part.text):
            self._announce(item)
