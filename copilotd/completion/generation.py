"""A generation under way, from which requests are served as far as it has come."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from copilotd.completion.prompt_store import Anchored
from copilotd.completion.shared_task import Shared
from copilotd.completion.typed_through import Origin
from copilotd.completion.types import Outcome
from copilotd.completion.writing import Written
from copilotd.documents import Document
from copilotd.postprocess.context import Scene


class Flight:
    """What the model is writing at `scene`.

    The request that started it, and those whose text is typed along what is written, share it.
    `prompt` is what the model reads, once that is decided; `written` grows; `outcome` is there at
    the end. `one_line` says that nobody will want more than the first line.
    """

    def __init__(self, scene: Scene, work: Callable[["Flight"], Awaitable[Outcome]]) -> None:
        self.id = uuid4().hex
        self.scene = scene
        self.origin = Origin.of(scene.document, scene.offset)
        self.started = time.perf_counter()
        self.prompt: Anchored | None = None
        self.written = Written()
        self.one_line = False
        self.outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._grown = asyncio.Event()
        self.shared = Shared(self._fly(work))

    @property
    def landed(self) -> bool:
        """Whether it is over; then `result` has the outcome."""
        return self.outcome is not None or self._error is not None

    def result(self) -> Outcome:
        """The outcome of the whole. Raises: whatever ended it before."""
        if self.outcome is None:
            raise self._error or asyncio.CancelledError
        return self.outcome

    def leads(self, document: Document, offset: int) -> bool:
        """Whether it is ahead of what was typed up to `offset`, and on the same way."""
        typed = self.origin.typed(document, offset)
        if typed is None or self._error is not None:
            return False
        return self.written.text.startswith(typed.text)

    def leads_near(self, document: Document, offset: int | None) -> bool:
        """Whether a change up to `offset` goes along it; the editor may have closed a bracket."""
        if offset is None:
            return False
        return any(self.leads(document, offset - closers) for closers in range(3))

    def grow(self, written: Written) -> bool:
        """More was written; whether to go on."""
        self.written = written
        self._wake()
        return not (self.one_line and "\n" in written.text.lstrip())

    async def grown(self, within_s: float | None) -> None:
        """Wait until more is written or it is over, but not longer than `within_s`."""
        event = self._grown
        try:
            async with asyncio.timeout(within_s):
                await event.wait()
        except TimeoutError:
            return

    async def _fly(self, work: Callable[["Flight"], Awaitable[Outcome]]) -> None:
        try:
            self.outcome = await work(self)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._wake()

    def _wake(self) -> None:
        event, self._grown = self._grown, asyncio.Event()
        event.set()
