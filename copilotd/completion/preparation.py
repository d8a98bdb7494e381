"""Prepares in the pauses what the user will probably need next."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from copilotd.completion.feedback import Feedback
from copilotd.completion.idle_work import IdleWork
from copilotd.completion.limits import Limits
from copilotd.completion.places import find_unsuitable_document
from copilotd.completion.prompt_store import PromptStore
from copilotd.completion.trigger import find_reason_for_silence
from copilotd.completion.types import Completion, CompletionRequest
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.documents import Document
from copilotd.prompt.builder import Cursor
from copilotd.syntax.languages import is_among


class Preparation:
    """Writes the next completion, evaluates whole prompts, and reads documents ahead.

    `write_ahead` generates the completion of a request and keeps it. The next event cancels all of
    this work.
    """

    def __init__(
        self,
        settings: Live[CompletionSection],
        limits: Limits,
        prompts: PromptStore,
        feedback: Feedback,
        write_ahead: Callable[[CompletionRequest], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._prompts = prompts
        self._feedback = feedback
        self._write_ahead = write_ahead
        self._idle_work = IdleWork()

    def cancel(self) -> None:
        """Stop, because the user did something."""
        self._idle_work.cancel()

    def schedule(self, request: CompletionRequest, shown: Completion | None) -> None:
        """After a pause, prepare for the next request. `request` was answered with `shown`."""
        if self._is_allowed(request.document):
            self._idle_work.schedule(lambda: self._prepare(request, shown))

    def schedule_warm_up(self, document: Document) -> None:
        """Prepare, after a pause, the first request in a document that the user turned to."""
        if self._is_allowed(document):
            self._idle_work.schedule(lambda: self._warm_up(document))

    def _is_allowed(self, document: Document) -> bool:
        settings = self._settings.current
        if not (settings.enabled and settings.anticipate):
            return False
        return find_unsuitable_document(document) is None

    async def _prepare(self, request: CompletionRequest, shown: Completion | None) -> None:
        if shown is not None and self._feedback.is_accepted_often:
            await self._write_next(request, shown)
        cursor = Cursor(request.document, request.offset)
        await self._prompts.refresh(cursor, self._limits.budget)
        await self._read_ahead(request.document, request.offset)

    async def _warm_up(self, document: Document) -> None:
        await self._prompts.warm_up(document, self._limits.budget)
        await self._read_ahead(document, None)

    async def _read_ahead(self, document: Document, offset: int | None) -> None:
        if not is_among(document, self._settings.current.disabled_languages):
            await self._prompts.read_ahead(document, offset, self._limits.budget)

    async def _write_next(self, request: CompletionRequest, shown: Completion) -> None:
        """Write the completion that follows if the user accepts `shown`."""
        text = request.document.text
        accepted = text[: shown.start] + shown.text + text[shown.end :]
        document = replace(request.document, text=accepted)
        offset = shown.start + len(shown.text)
        if not find_reason_for_silence(document, offset, typed=True):
            await self._write_ahead(CompletionRequest(document, offset, client=request.client))
