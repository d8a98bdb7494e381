"""Tells the editor when more was written of a suggestion than it was given in time."""

import asyncio
from collections.abc import Callable

from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionRequest
from copilotd.lsp.offered_items import Offer

LONGER = "copilotd/longerCompletion"
"""The notification; its parameter is `textDocument`, with the version that it is about."""


class Growth:
    """Follows the last piece that was offered on one connection."""

    def __init__(self, completion: CompletionService, tell: Callable[[Offer], None]) -> None:
        self._completion = completion
        self._tell = tell
        self._following: asyncio.Task[None] | None = None

    def follow(self, request: CompletionRequest, offer: Offer) -> None:
        """Tell once it is all written; whatever was followed before is no longer of interest."""
        self.end()
        self._following = asyncio.create_task(self._follow(request, offer))

    def end(self) -> None:
        """Follow nothing."""
        if self._following is not None:
            self._following.cancel()

    async def _follow(self, request: CompletionRequest, offer: Offer) -> None:
        whole = await self._completion.whole(request)
        if whole and len(whole.text) > len(offer.completion.text):
            self._tell(offer)
