"""Ghost text, from a cursor to an outcome; read `complete` first."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import replace

from copilotd.completion.cache import CacheHit, CompletionCache
from copilotd.completion.dismissals import Dismissals
from copilotd.completion.feedback import Feedback, Verdict
from copilotd.completion.generation import Generation
from copilotd.completion.in_flight import InFlight
from copilotd.completion.limits import Limits
from copilotd.completion.mode import choose_mode
from copilotd.completion.places import find_unsuitable_place
from copilotd.completion.preparation import Preparation
from copilotd.completion.prompt_store import PromptStore
from copilotd.completion.superseding import NewestOnly, Superseded
from copilotd.completion.trigger import Triggers
from copilotd.completion.types import (
    Completion,
    CompletionRequest,
    CompletionStats,
    NotShown,
    Outcome,
    Shown,
    Status,
    Trigger,
)
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.documents import Document
from copilotd.engine.interface import Engine
from copilotd.engine.performance import Speed
from copilotd.engine.types import EngineState, Lane, Phase, Sampling
from copilotd.errors import CopilotdError, EngineNotReady
from copilotd.postprocess.context import CursorContext
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor
from copilotd.syntax.languages import detect_language, is_among
from copilotd.syntax.trees import SyntaxTrees

log = logging.getLogger(__name__)


class CompletionService:
    """Answers every request with exactly one outcome; all front ends share it."""

    def __init__(
        self,
        engine: Engine,
        settings: Live[CompletionSection],
        speed: Live[Speed | None] | None = None,
        trees: SyntaxTrees | None = None,
    ) -> None:
        self._settings = settings
        self._trees = trees or SyntaxTrees()
        self._limits = Limits(settings, speed or Live(None))
        self._engine = engine
        self._cache = CompletionCache(settings.current.cache_entries)
        self._prompts = PromptStore(engine)
        self._in_flight = InFlight(engine, self._prompts, self._cache)
        self._newest = NewestOnly()
        self._feedback = Feedback()
        self._dismissals = Dismissals()
        self._triggers = Triggers()
        self._preparation = Preparation(
            settings, self._limits, self._prompts, self._feedback, self._write_ahead
        )
        self._counts: Counter[str] = Counter()
        self._last: Outcome | None = None
        engine.subscribe(self._on_engine_state)

    async def complete(self, request: CompletionRequest) -> Outcome:
        """The ghost text for `request`, or why there is none.

        Cancelling the caller cancels the work, down to the decode loop. No error leaves this
        method: it becomes an outcome with its reason.
        """
        started = time.perf_counter()
        self._preparation.cancel()
        self._dismissals.follow(request.document)
        outcome = self._refuse(request) or self._find_cached(request) or self._stay_silent(request)
        if outcome is None:
            outcome = await self._attempt(request)
        return self._record(request, self._dismissals.hide(request, outcome), started)

    # --- the stages of `complete`, in their order --------------------------------------------

    def _refuse(self, request: CompletionRequest) -> NotShown | None:
        settings, document = self._settings.current, request.document
        if reason := find_unsuitable_place(request):
            return NotShown(Status.SKIPPED, reason)
        if request.trigger is Trigger.INVOKED:
            return None
        if not settings.enabled:
            return NotShown(Status.SKIPPED, "ghost text is switched off (completion.enabled)")
        if is_among(document, settings.disabled_languages):
            language = document.language or detect_language(document)
            return NotShown(Status.SKIPPED, f"{language} is in completion.disabled_languages")
        return None

    def _find_cached(self, request: CompletionRequest) -> Shown | None:
        hit = self._cache.find(request.document, request.offset)
        if hit is None or self._is_outdated(hit, request):
            return None
        explanation = replace(hit.explanation, source="cache")
        return Shown(hit.completion, "made for an earlier request", explanation)

    def _is_outdated(self, hit: CacheHit, request: CompletionRequest) -> bool:
        """Whether a new completion, from a whole prompt, should replace one from a brief prompt.

        A text is not changed under the user's eyes: one that the user types along stays, and so
        does the last one that was shown, unless the user asks again with a key.
        """
        if not hit.is_brief or hit.is_typed:
            return False
        is_visible = isinstance(self._last, Shown) and self._last.completion.id == hit.completion.id
        if is_visible and request.trigger is not Trigger.INVOKED:
            return False
        return self._prompts.has_whole(Cursor(request.document, request.offset))

    def _stay_silent(self, request: CompletionRequest) -> NotShown | None:
        """Refuse where ghost text would disturb, unless the user types along a generation."""
        if request.trigger is Trigger.INVOKED or self._in_flight.join(request):
            return None
        reason = self._triggers.find_reason_for_silence(request)
        return NotShown(Status.SKIPPED, reason) if reason else None

    async def _attempt(self, request: CompletionRequest) -> Outcome:
        try:
            return await self._newest.run(request.key, self._generate(request))
        except Superseded:
            return NotShown(Status.CANCELLED, "a newer request for the same document arrived")
        except EngineNotReady as error:
            return NotShown(Status.SKIPPED, _reason(error), error=error)
        except CopilotdError as error:
            return NotShown(Status.FAILED, _reason(error), error=error)
        except Exception:  # the fault barrier of one request: no editor can handle it
            log.exception("a completion failed")
            return NotShown(Status.FAILED, "an internal error; `copilotd logs` has its trace")

    async def _generate(self, request: CompletionRequest) -> Outcome:
        """Join a running generation, or debounce and start one; serve from it by the deadline."""
        asked_at, wait_s = time.perf_counter(), self._limits.longest_wait_s(request)
        generation = self._in_flight.join(request)
        if generation is None:
            await asyncio.sleep(self._limits.debounce_s(request))
            # Another generation's output may be in the cache now.
            if cached := self._find_cached(request):
                return cached
            generation = self._start(request)
        outcome = await self._serve(request, generation, min(asked_at, generation.started) + wait_s)
        if isinstance(outcome, Shown) or not self._wants_more(request, generation):
            return outcome
        return await self._serve(request, self._start(request), float("inf"))

    def _wants_more(self, request: CompletionRequest, generation: Generation) -> bool:
        """Whether the user asked with a key, and joined a generation that nobody had asked for."""
        return request.trigger is Trigger.INVOKED and not generation.context.invoked

    def _start(self, request: CompletionRequest, lane: Lane = Lane.COMPLETION) -> Generation:
        context, budget = self._context(request), self._limits.budget_for(request)
        return self._in_flight.start(request, context, budget, lane)

    def _context(self, request: CompletionRequest) -> CursorContext:
        document, offset = request.document, request.offset
        return CursorContext(
            document,
            offset,
            choose_mode(document, offset),
            self._settings.current.max_lines,
            tree=self._trees.tree_of(document),
            invoked=request.trigger is Trigger.INVOKED,
        )

    async def _serve(
        self, request: CompletionRequest, generation: Generation, deadline: float
    ) -> Outcome:
        """The whole completion, or after `deadline` the part that is written, if it is useful."""
        with generation.task.awaiting():
            while not generation.done:
                wait_s = deadline - time.perf_counter()
                if wait_s <= 0 and (partial := generation.partial(request)):
                    self._detach(generation)
                    return partial
                await generation.wait_for_progress(wait_s if 0 < wait_s < float("inf") else None)
            return generation.remaining(request, generation.result())

    async def _write_ahead(self, request: CompletionRequest) -> None:
        """Write in a pause what `request` will probably ask for."""
        known = self._cache.find(request.document, request.offset)
        # If a part was shown, a generation is already writing the rest.
        if known is None and self._in_flight.join(request) is None:
            await self._start(request, Lane.BACKGROUND).task.result()

    def _detach(self, generation: Generation) -> None:
        """Let the generation continue for a user who types along it, or accepts the part."""
        generation.first_line_only = not self._feedback.is_accepted_often
        generation.task.detach()

    def _record(self, request: CompletionRequest, outcome: Outcome, started: float) -> Outcome:
        total_ms = (time.perf_counter() - started) * 1000
        outcome = replace(outcome, explanation=replace(outcome.explanation, total_ms=total_ms))
        shown = outcome.completion if isinstance(outcome, Shown) else None
        self._counts["requests"] += 1
        self._counts[outcome.status] += 1
        self._counts[outcome.explanation.source] += 1
        if shown is not None:
            self._feedback.offer(shown.id)
            self._dismissals.offer(request.document, shown)
        if outcome.status is not Status.CANCELLED:
            self._last = outcome
            self._preparation.schedule(request, shown)
        return outcome

    async def sample(self, request: CompletionRequest, sampling: Sampling) -> Outcome:
        """An alternative to the completion, chosen by `sampling`; neither cached nor joined.

        Raises: EngineError.
        """
        generation = Generation(
            self._context(request),
            self._limits.budget_for(request),
            Lane.COMPLETION,
            self._engine,
            self._prompts,
            sampling=sampling,
        )
        await generation.task.result()
        return generation.result()

    @property
    def budget(self) -> Budget:
        """The limits of a completion under the current settings and the measured speed."""
        return self._limits.budget

    # --- what editors report -----------------------------------------------------------------

    async def wait_for_whole(self, request: CompletionRequest) -> Completion | None:
        """The whole completion, once it is written, for a request that got a part of it.

        Waiting does not keep the generation running. None if nothing is left to show.
        """
        if generation := self._in_flight.join(request):
            while not generation.done:
                await generation.wait_for_progress(None)
        hit = self._cache.find(request.document, request.offset)
        return hit.completion if hit else None

    def on_focus(self, document: Document) -> None:
        """The user turned to this document."""
        self._preparation.schedule_warm_up(document)

    def on_change(self, document: Document, offset: int | None, client: str) -> None:
        """The user changed the document; the cursor is probably at `offset`, None if unknown.

        A generation that the change does not follow is cancelled at once.
        """
        self._limits.typing.record_change((client, document.uri), time.perf_counter())
        self._triggers.record_change((client, document.uri), offset)
        self._dismissals.follow(document)
        self._in_flight.cancel_mismatch(document, offset, client)
        if offset is None:
            self._preparation.cancel()
        else:
            self._preparation.schedule(CompletionRequest(document, offset, client=client), None)

    def mark_drawn(self, id: str) -> None:
        """The editor drew the completion."""
        self._counts["drawn"] += 1

    def accept(self, id: str, length: int | None = None) -> None:
        """The user accepted the completion, or its first `length` code points."""
        self._feedback.accept(id, length)
        self._dismissals.hide_after_undo(id)

    def reject(self, id: str) -> None:
        """The user dismissed the completion."""
        self._feedback.reject(id)
        self._dismissals.dismiss(id)

    def stats(self) -> CompletionStats:
        """Counts since the start."""
        return CompletionStats(
            requests=self._counts["requests"],
            shown=self._counts[Status.SHOWN],
            cache_hits=self._counts["cache"],
            cancelled=self._counts[Status.CANCELLED],
            accepted=self._feedback.counts[Verdict.ACCEPTED],
            rejected=self._feedback.counts[Verdict.REJECTED],
            read_ahead_tokens=self._prompts.read_ahead_tokens,
        )

    @property
    def last(self) -> Outcome | None:
        """The outcome of the newest request that was not cancelled."""
        return self._last

    def _on_engine_state(self, state: EngineState) -> None:
        if state.phase is not Phase.READY:
            self._prompts.clear()


def _reason(error: CopilotdError) -> str:
    return f"{error.message.rstrip('.')}. {error.hint}".strip()
