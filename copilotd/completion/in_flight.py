"""The running generations: one for each client and document."""

from copilotd.completion.cache import CompletionCache
from copilotd.completion.generation import Generation
from copilotd.completion.prompt_store import PromptStore
from copilotd.completion.types import CompletionRequest, Shown
from copilotd.documents import Document
from copilotd.engine.interface import Engine
from copilotd.engine.types import Lane
from copilotd.postprocess.context import CursorContext
from copilotd.prompt.budget import Budget


class InFlight:
    """Starts generations, lets requests join them, and cancels them."""

    def __init__(self, engine: Engine, prompts: PromptStore, cache: CompletionCache) -> None:
        self._engine = engine
        self._prompts = prompts
        self._cache = cache
        self._running: dict[tuple[str, str], Generation] = {}

    def join(self, request: CompletionRequest) -> Generation | None:
        """The running generation whose output `request` can use."""
        generation = self._running.get(request.key)
        matches = generation and generation.matches(request.document, request.offset)
        return generation if matches else None

    def start(
        self, request: CompletionRequest, context: CursorContext, budget: Budget, lane: Lane
    ) -> Generation:
        """Start a generation; it replaces the running one of the same client and document."""
        key = request.key
        if older := self._running.get(key):
            older.task.cancel()

        def end(generation: Generation) -> None:
            if self._running.get(key) is generation:
                del self._running[key]
            if isinstance(made := generation.outcome, Shown):
                self._cache.add(
                    request.document,
                    made.completion,
                    made.explanation,
                    is_brief=generation.is_brief,
                )

        generation = Generation(context, budget, lane, self._engine, self._prompts, end)
        self._running[key] = generation
        return generation

    def cancel_mismatch(self, document: Document, offset: int | None, client: str) -> None:
        """Cancel the client's generation in `document`, unless it agrees with the change."""
        generation = self._running.get((client, document.uri))
        if generation is not None and not generation.may_match(document, offset):
            generation.task.cancel()
