"""Ghost text, from a cursor to an outcome: `complete` is the page to read first."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import replace

from copilotd.completion.cache import CompletionCache
from copilotd.completion.composer import Composer
from copilotd.completion.feedback import Feedback
from copilotd.completion.generation import Flight
from copilotd.completion.idle_work import Anticipation
from copilotd.completion.mode import mode_at
from copilotd.completion.pieces import cut, useful
from copilotd.completion.prompt_store import Anchors
from copilotd.completion.superseding import Latest, Superseded
from copilotd.completion.types import (
    Completion,
    CompletionRequest,
    CompletionStats,
    Outcome,
    Status,
    Trigger,
)
from copilotd.completion.typing_speed import Rhythm
from copilotd.config import CompletionSection
from copilotd.documents import Document
from copilotd.engine.interface import Engine
from copilotd.engine.performance import Speed
from copilotd.engine.types import EngineState, Lane, Phase
from copilotd.errors import CopilotdError, EngineNotReady
from copilotd.postprocess.context import Scene
from copilotd.prompt.budget import Budget, budget

log = logging.getLogger(__name__)

_OF_A_GAP = 0.7
"""Somebody who types fast is answered within this part of the usual gap between keystrokes."""
_SOONEST_S = 0.08
_WORTH_ASKING_AHEAD = 0.1
"""Share of suggestions that somebody accepts, for whom it pays to write what follows them."""


class CompletionService:
    """Answers every request with exactly one outcome; shared by all fronts."""

    def __init__(self, engine: Engine, settings: CompletionSection) -> None:
        self.settings = settings
        self.speed: Speed | None = None
        self._engine = engine
        self._cache = CompletionCache(settings.cache_entries)
        self._anchors = Anchors(engine)
        self._composer = Composer(engine, self._anchors)
        self._anticipation = Anticipation()
        self._flights: dict[tuple[str, str], Flight] = {}
        self._latest = Latest()
        self._rhythm = Rhythm()
        self._feedback = Feedback()
        self._counts: Counter[str] = Counter()
        self._last: Outcome | None = None
        engine.subscribe(self._engine_changed)

    async def complete(self, request: CompletionRequest) -> Outcome:
        """The ghost text for `request`, or why there is none.

        Cancelling the caller cancels the work, down to the decode loop. No error leaves this
        method: it becomes an outcome with its reason.
        """
        started = time.perf_counter()
        self._anticipation.drop()
        found = self._refusal(request) or self._remembered(request)
        if found is None:
            found = await self._attempt(request)
        return self._recorded(request, found, started)

    async def whole(self, request: CompletionRequest) -> Completion | None:
        """The suggestion of which `request` was given a piece, once all of it is written.

        Waiting for it keeps nothing going. None if it came to nothing.
        """
        if flight := self._under_way(request):
            while not flight.landed:
                await flight.grown(None)
        hit = self._cache.find(request.document, request.offset)
        return hit.completion if hit else None

    def opened(self, document: Document) -> None:
        """The user turned to this document."""
        if self.settings.enabled and self.settings.anticipate:
            self._anticipation.plan(lambda: self._anchors.warm_head(document, self.budget))

    def changed(self, document: Document, offset: int | None, client: str) -> None:
        """The user changed the document; the cursor is probably at `offset` now, if that is known.

        What is being written on another way than this change is ended at once.
        """
        key = (client, document.uri)
        self._rhythm.changed(key, time.perf_counter())
        flight = self._flights.get(key)
        if flight is not None and not flight.leads_near(document, offset):
            flight.shared.cancel()
        if offset is None:
            self._anticipation.drop()
        else:
            self._plan(CompletionRequest(document, offset, client=client), None)

    def shown(self, id: str) -> None:
        """The editor drew the suggestion."""
        self._counts["drawn"] += 1

    def accept(self, id: str, length: int | None = None) -> None:
        """The user took the suggestion, or its first `length` code points."""
        self._feedback.settle(id, "accepted")

    def reject(self, id: str) -> None:
        """The user dismissed the suggestion."""
        self._feedback.settle(id, "rejected")

    def stats(self) -> CompletionStats:
        """Counts since the start."""
        return CompletionStats(
            requests=self._counts["requests"],
            shown=self._counts[Status.SHOWN],
            cache_hits=self._counts["cache"],
            cancelled=self._counts[Status.CANCELLED],
            accepted=self._feedback.counts["accepted"],
            rejected=self._feedback.counts["rejected"],
        )

    @property
    def budget(self) -> Budget:
        """What a suggestion may cost under the settings of now, at the speed known by now."""
        return budget(self.settings, self.speed)

    @property
    def last(self) -> Outcome | None:
        """The outcome of the newest request that was not cancelled."""
        return self._last

    # --- the stages, in their order ----------------------------------------------------------

    def _refusal(self, request: CompletionRequest) -> Outcome | None:
        if request.trigger is Trigger.INVOKED:
            return None
        if not self.settings.enabled:
            return Outcome(Status.SKIPPED, "ghost text is switched off (completion.enabled)")
        if request.document.language in self.settings.disabled_languages:
            language = request.document.language
            return Outcome(Status.SKIPPED, f"{language} is in completion.disabled_languages")
        return None

    def _remembered(self, request: CompletionRequest) -> Outcome | None:
        hit = self._cache.find(request.document, request.offset)
        if hit is None:
            return None
        explanation = replace(hit.explanation, source="cache")
        return Outcome(Status.SHOWN, "made for an earlier request", hit.completion, explanation)

    async def _attempt(self, request: CompletionRequest) -> Outcome:
        try:
            return await self._latest.run(request.key, self._asked(request))
        except Superseded:
            return Outcome(Status.CANCELLED, "a newer request of the same document came in")
        except EngineNotReady as error:
            return Outcome(Status.SKIPPED, _reason(error))
        except CopilotdError as error:
            return Outcome(Status.FAILED, _reason(error))
        except Exception:  # the fault barrier of one request: an editor cannot mend our mistake
            log.exception("a completion failed")
            return Outcome(Status.FAILED, "an internal error; `copilotd logs` has its trace")

    async def _asked(self, request: CompletionRequest) -> Outcome:
        asked_at, patience_s = time.perf_counter(), self._patience_s(request)
        flight = self._under_way(request)
        if flight is None:
            await self._debounced(request)
            # What was being written when the request came in may be there now.
            if found := self._remembered(request):
                return found
            flight = self._take_off(request)
        return await self._served(request, flight, min(asked_at, flight.started) + patience_s)

    def _under_way(self, request: CompletionRequest) -> Flight | None:
        """A flight that is ahead of what was typed, on the same way."""
        flight = self._flights.get(request.key)
        leads = flight and flight.leads(request.document, request.offset)
        return flight if leads else None

    async def _debounced(self, request: CompletionRequest) -> None:
        """Wait for the next keystroke, unless the first is already a while ago.

        VS Code waits itself before it asks, and a cursor that rested before may rest again.
        """
        if request.trigger is Trigger.AUTOMATIC:
            quiet_s = self._rhythm.quiet_s(request.key, time.perf_counter())
            await asyncio.sleep(max(0.0, self.budget.debounce_ms / 1000 - quiet_s))

    def _take_off(self, request: CompletionRequest, lane: Lane = Lane.COMPLETION) -> Flight:
        """Have the model write, in place of what it writes in the same document now."""
        older = self._flights.get(request.key)
        if older is not None:
            older.shared.cancel()
        mode = mode_at(request.document, request.offset)
        scene = Scene(request.document, request.offset, mode, self.settings.max_lines)
        flight = Flight(scene, lambda flight: self._flown(flight, request, lane))
        self._flights[request.key] = flight
        return flight

    async def _flown(self, flight: Flight, request: CompletionRequest, lane: Lane) -> Outcome:
        try:
            whole = await self._composer.compose(flight, self._budget_of(request), lane)
        finally:
            if self._flights.get(request.key) is flight:
                del self._flights[request.key]
        if whole.completion is not None:
            self._cache.remember(request.document, whole.completion, whole.explanation)
        return whole

    def _budget_of(self, request: CompletionRequest) -> Budget:
        """Who asks explicitly waits for the whole."""
        if request.trigger is Trigger.INVOKED:
            return replace(self.budget, max_tokens=self.budget.asked_tokens)
        return self.budget

    async def _served(self, request: CompletionRequest, flight: Flight, due: float) -> Outcome:
        """The whole suggestion; from the time `due` on the first useful piece of it."""
        with flight.shared.awaited():
            while not flight.landed:
                wait_s = due - time.perf_counter()
                if wait_s <= 0 and (piece := useful(request, flight)):
                    self._leave(flight)
                    return replace(piece, is_piece=True)
                await flight.grown(wait_s if 0 < wait_s < float("inf") else None)
            return cut(request, flight, flight.result())

    def _leave(self, flight: Flight) -> None:
        """The rest is for who types along it, or accepts the piece and goes on from there."""
        flight.one_line = self._feedback.acceptance < _WORTH_ASKING_AHEAD
        flight.shared.leave()

    def _patience_s(self, request: CompletionRequest) -> float:
        """How long the whole suggestion is waited for."""
        if request.trigger is Trigger.INVOKED:
            return float("inf")
        patience_s = self.budget.answer_ms / 1000
        gap_s = self._rhythm.beat(request.key, time.perf_counter())
        return patience_s if gap_s is None else min(patience_s, max(_SOONEST_S, _OF_A_GAP * gap_s))

    def _recorded(self, request: CompletionRequest, found: Outcome, started: float) -> Outcome:
        total_ms = (time.perf_counter() - started) * 1000
        found = replace(found, explanation=replace(found.explanation, total_ms=total_ms))
        self._counts["requests"] += 1
        self._counts[found.status] += 1
        self._counts[found.explanation.source] += 1
        if found.completion is not None:
            self._feedback.offered(found.completion.id)
        if found.status is not Status.CANCELLED:
            self._last = found
            self._plan(request, found.completion)
        return found

    # --- in the pauses -----------------------------------------------------------------------

    def _plan(self, request: CompletionRequest, shown: Completion | None) -> None:
        if self.settings.enabled and self.settings.anticipate:
            self._anticipation.plan(lambda: self._prepare(request, shown))

    async def _prepare(self, request: CompletionRequest, shown: Completion | None) -> None:
        """Ask for what follows the acceptance of `shown`, and anchor a prompt that went stale."""
        if shown is not None and self._feedback.acceptance >= _WORTH_ASKING_AHEAD:
            await self._ask_ahead(request, shown)
        await self._anchors.settle(request.document, request.offset, self.budget)

    async def _ask_ahead(self, request: CompletionRequest, shown: Completion) -> None:
        text = request.document.text
        accepted = text[: shown.start] + shown.text + text[shown.end :]
        document = replace(request.document, text=accepted)
        offset = shown.start + len(shown.text)
        ahead = CompletionRequest(document, offset, client=request.client)
        # Where a piece was shown, what follows it is being written already.
        if self._cache.find(document, offset) is None and self._under_way(ahead) is None:
            await self._take_off(ahead, Lane.BACKGROUND).shared.result()

    def _engine_changed(self, state: EngineState) -> None:
        if state.phase is not Phase.READY:
            self._anchors.clear()


def _reason(error: CopilotdError) -> str:
    return f"{error.message.rstrip('.')}. {error.hint}".strip()
