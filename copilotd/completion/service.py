"""Ghost text, from a cursor to an outcome: `complete` is the page to read first."""

import asyncio
import logging
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import replace
from uuid import uuid4

from copilotd.completion.cache import CompletionCache
from copilotd.completion.feedback import Feedback
from copilotd.completion.latest import Latest, Superseded
from copilotd.completion.mode import mode_at
from copilotd.completion.writing import Written, read
from copilotd.config import CompletionSection
from copilotd.engine.protocol import Engine
from copilotd.errors import CopilotdError, EngineNotReady
from copilotd.postprocess.pipeline import finish
from copilotd.postprocess.scene import Draft, Scene
from copilotd.prompt.fim import fim_prompt, with_bos
from copilotd.prompt.window import trim_prefix, trim_suffix, window
from copilotd.types import (
    Completion,
    CompletionRequest,
    CompletionStats,
    Explanation,
    FilterStep,
    GenerateRequest,
    Lane,
    ModelInfo,
    Outcome,
    Status,
    Trigger,
)

log = logging.getLogger(__name__)


class CompletionService:
    """Answers every request with exactly one outcome; shared by all fronts."""

    def __init__(self, engine: Engine, settings: CompletionSection) -> None:
        self.settings = settings
        self._engine = engine
        self._cache = CompletionCache(settings.cache_entries)
        self._latest = Latest()
        self._feedback = Feedback()
        self._counts: Counter[str] = Counter()
        self._last: Outcome | None = None

    async def complete(self, request: CompletionRequest) -> Outcome:
        """The ghost text for `request`, or why there is none.

        Cancelling the caller cancels the work, down to the decode loop. No error leaves this
        method: it becomes an outcome with its reason.
        """
        started = time.perf_counter()
        outcome = self._refusal(request) or self._remembered(request)
        if outcome is None:
            outcome = await self._attempt(request)
        return self._recorded(outcome, started)

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
        if request.trigger is Trigger.AUTOMATIC:
            await asyncio.sleep(self.settings.debounce_ms / 1000)
        scene = self._scene(request)
        info = await self._engine.info()
        prompt = await self._prompt(scene, info)
        written = await self._generate(scene, prompt)
        draft, steps = finish(scene, Draft(written.text, unfinished=written.unfinished))
        explanation = await self._explained(scene, prompt, written, steps)
        return self._offered(scene, draft, explanation)

    def _scene(self, request: CompletionRequest) -> Scene:
        mode = mode_at(request.document, request.offset)
        return Scene(request.document, request.offset, mode, self.settings.max_lines)

    async def _prompt(self, scene: Scene, info: ModelInfo) -> list[int]:
        budget = self.settings
        suffix_tokens = budget.suffix_tokens if info.fim.prefix is not None else 0
        part = window(scene.document, scene.offset, budget.prefix_tokens, suffix_tokens)
        before = await self._engine.tokenize(part.before, special=False)
        before = trim_prefix(before, budget.prefix_tokens)
        if not suffix_tokens:
            return with_bos(info, before)
        after = await self._engine.tokenize(part.after, special=False)
        return fim_prompt(info, before, trim_suffix(after, suffix_tokens))

    async def _generate(self, scene: Scene, prompt: list[int]) -> Written:
        wanted = GenerateRequest(prompt, self.settings.max_tokens, lane=Lane.COMPLETION)
        async with aclosing(self._engine.generate(wanted)) as events:
            return await read(scene, events)

    async def _explained(
        self, scene: Scene, prompt: list[int], written: Written, steps: tuple[FilterStep, ...]
    ) -> Explanation:
        return Explanation(
            source="engine",
            mode=scene.mode,
            prompt=await self._engine.detokenize(prompt),
            raw=written.steps[0].before if written.steps else written.text,
            filters=written.steps + steps,
            prompt_tokens=len(prompt),
            cached_tokens=written.usage.cached_tokens,
            completion_tokens=written.usage.completion_tokens,
            first_token_ms=written.first_token_ms,
        )

    def _offered(self, scene: Scene, draft: Draft, explanation: Explanation) -> Outcome:
        if not draft.text:
            by = explanation.filters[-1].name if explanation.filters else ""
            reason = f"nothing left after the filter {by}" if by else "the model wrote nothing"
            return Outcome(Status.EMPTY, reason, explanation=explanation)
        end = scene.offset + draft.overwrites
        completion = Completion(uuid4().hex, draft.text, scene.offset, end)
        self._cache.remember(scene.document, completion, explanation)
        return Outcome(Status.SHOWN, "the model's answer", completion, explanation)

    def _recorded(self, outcome: Outcome, started: float) -> Outcome:
        total_ms = (time.perf_counter() - started) * 1000
        outcome = replace(outcome, explanation=replace(outcome.explanation, total_ms=total_ms))
        self._counts["requests"] += 1
        self._counts[outcome.status] += 1
        self._counts[outcome.explanation.source] += 1
        if outcome.completion is not None:
            self._feedback.offered(outcome.completion.id)
        if outcome.status is not Status.CANCELLED:
            self._last = outcome
        return outcome


def _reason(error: CopilotdError) -> str:
    return f"{error.message.rstrip('.')}. {error.hint}".strip()
