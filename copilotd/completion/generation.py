"""Generates one completion: prompt, model, streaming filters, final filters.

Requests share a generation while the user types along the model's output. Each request is answered
from the part that exists at its deadline.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from uuid import uuid4

from msgspec import structs

from copilotd.completion.pieces import cut_at_boundary, is_worth_showing
from copilotd.completion.prompt_store import PromptStore
from copilotd.completion.shared_task import SharedTask
from copilotd.completion.typed_through import CompletionSite
from copilotd.completion.types import (
    Completion,
    CompletionRequest,
    Explanation,
    NotShown,
    Outcome,
    Shown,
    Status,
)
from copilotd.documents import Document
from copilotd.engine.interface import Engine
from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    GenerateRequest,
    Lane,
    Sampling,
    Usage,
)
from copilotd.postprocess.context import Candidate, CursorContext, FilterStep
from copilotd.postprocess.pipeline import apply_final_filters, truncate_at
from copilotd.prompt.anchor import PlacedPrompt
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor

GREEDY = Sampling()
_MAX_CLOSERS = 2
"""Brackets that an editor closes with one keystroke."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The model's output so far.

    A streaming filter may have cut or ended it; see `steps`. `is_unfinished` is true while the
    model writes more, and at the end if the token limit ended the output.
    """

    text: str = ""
    steps: tuple[FilterStep, ...] = ()
    usage: Usage = field(default_factory=Usage)
    first_token_ms: float = 0.0
    is_unfinished: bool = True

    def extend(self, chunk: Chunk, started: float) -> "Progress":
        """The output with one more chunk. `started` is a `time.perf_counter` value."""
        first_ms = self.first_token_ms or (time.perf_counter() - started) * 1000
        usage = chunk.usage or self.usage
        usage = structs.replace(usage, completion_tokens=self.usage.completion_tokens + 1)
        return replace(self, text=self.text + chunk.text, usage=usage, first_token_ms=first_ms)

    def end(self, finished: Finished) -> "Progress":
        """The output with the engine's last event."""
        unfinished = finished.reason is FinishReason.LENGTH
        return replace(self, usage=finished.usage, is_unfinished=unfinished)

    def drop_partial_line(self) -> "Progress":
        """The output without the last line, if a limit ended it in the middle of several lines."""
        whole, _, _ = self.text.rpartition("\n")
        if not self.is_unfinished or not whole.strip():
            return self
        step = FilterStep("unfinished", self.text, whole)
        return replace(self, text=whole, steps=(*self.steps, step), is_unfinished=False)

    def filter(self, context: CursorContext) -> "Progress":
        """The output, cut and ended if a streaming filter says so."""
        cut = truncate_at(context, self.text)
        if cut is None:
            return self
        name, length = cut
        text = self.text[:length]
        return replace(
            self, text=text, steps=(FilterStep(name, self.text, text),), is_unfinished=False
        )


class Generation:
    """A running generation at the cursor of `context`.

    `task` runs it; `on_end` is called when it ends, before the waiting requests continue. Then
    `result` has its outcome. If `first_line_only`, no request wants more than the first line.
    """

    def __init__(
        self,
        context: CursorContext,
        budget: Budget,
        lane: Lane,
        engine: Engine,
        prompts: PromptStore,
        on_end: Callable[["Generation"], None] = lambda generation: None,
        sampling: Sampling = GREEDY,
    ) -> None:
        self.id = uuid4().hex
        self.context = context
        self.site = CompletionSite.of(context.document, context.offset)
        self.started = time.perf_counter()
        self.first_line_only = False
        self.outcome: Outcome | None = None
        self._budget = budget
        self._lane = lane
        self._engine = engine
        self._prompts = prompts
        self._on_end = on_end
        self._sampling = sampling
        self._prompt: PlacedPrompt | None = None
        self._progress = Progress()
        self._painted: Candidate | None = None
        self._error: BaseException | None = None
        self._advanced = asyncio.Event()
        self.task = SharedTask(self._run_to_end())

    async def run(self) -> Outcome:
        """Run prompt, engine, streaming filters and final filters. Raises: EngineError."""
        cursor = Cursor(self.context.document, self.context.offset)
        self._prompt = await self._prompts.prompt_for(cursor, self._budget, self._lane)
        async with aclosing(self._engine.generate(self._request(self._prompt))) as events:
            async for event in events:
                if isinstance(event, Finished):
                    self._advance(self._progress.end(event))
                    break
                self._prompts.mark_evaluated(cursor.document, self._prompt)
                self._advance(self._progress.extend(event, self.started).filter(self.context))
                if not self._progress.is_unfinished or self._has_enough:
                    break
        return self._make_outcome()

    # --- for the requests that share it ------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether it has ended; then `result` has its outcome."""
        return self.outcome is not None or self._error is not None

    def result(self) -> Outcome:
        """The outcome of the whole generation. Raises: the error that ended it."""
        if self.outcome is None:
            raise self._error or asyncio.CancelledError
        return self.outcome

    @property
    def is_brief(self) -> bool:
        """Whether its prompt is brief."""
        return self._prompt is not None and self._prompt.prompt.brief

    async def wait_for_progress(self, timeout_s: float | None) -> None:
        """Wait until more is written or it has ended, but at most `timeout_s` seconds."""
        event = self._advanced
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return

    def matches(self, document: Document, offset: int) -> bool:
        """Whether the text up to `offset` agrees with the output, or still may agree."""
        typed = self.site.find_typed(document, offset)
        if typed is None or self._error is not None:
            return False
        return self._progress.text.startswith(typed.text)

    def may_match(self, document: Document, offset: int | None) -> bool:
        """As `matches`, although the editor may have closed a bracket before `offset`."""
        if offset is None:
            return False
        return any(self.matches(document, offset - n) for n in range(_MAX_CLOSERS + 1))

    def partial(self, request: CompletionRequest) -> Shown | None:
        """The outcome for `request` from the output so far, if it is worth showing.

        What it shows stays: each later outcome of this generation begins with it.
        """
        piece, outcome = self._make_piece()
        rest = self.remaining(request, outcome)
        if not isinstance(rest, Shown):
            return None
        if not self._is_painted_at(request.offset) and not is_worth_showing(rest.completion.text):
            return None
        self._painted = piece
        return replace(rest, is_partial=True)

    def remaining(self, request: CompletionRequest, outcome: Outcome) -> Outcome:
        """`outcome` without the text that was typed since the generation began."""
        if isinstance(outcome, NotShown):
            return outcome
        rest = self.site.remaining(outcome.completion, request.document, request.offset)
        if rest is None:
            return NotShown(Status.EMPTY, "already typed to its end", outcome.explanation)
        return replace(outcome, completion=rest)

    # --- the steps of `run` ------------------------------------------------------------------

    async def _run_to_end(self) -> None:
        try:
            self.outcome = await self.run()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._on_end(self)
            self._wake()

    def _request(self, prompt: PlacedPrompt) -> GenerateRequest:
        return GenerateRequest(
            list(prompt.prompt.tokens),
            self._budget.max_tokens,
            self._sampling,
            tail=prompt.match.tail,
            lane=self._lane,
            repositionable=prompt.prompt.repositionable,
            frugal=True,
        )

    def _advance(self, progress: Progress) -> None:
        self._progress = progress
        self._wake()

    def _wake(self) -> None:
        event, self._advanced = self._advanced, asyncio.Event()
        event.set()

    @property
    def _has_enough(self) -> bool:
        return self.first_line_only and "\n" in self._progress.text.lstrip()

    def _make_outcome(self) -> Outcome:
        """The outcome of the whole output."""
        self._progress = self._progress.drop_partial_line()
        progress = self._progress
        candidate = Candidate(progress.text, unfinished=progress.is_unfinished)
        return self._show(*self._filter(candidate))

    def _make_piece(self) -> tuple[Candidate, Outcome]:
        """The part of the output that will not change any more, and its outcome."""
        text = cut_at_boundary(self._progress.text)
        piece, steps = self._filter(Candidate(text, unfinished=True))
        return piece, self._show(piece, steps)

    def _filter(self, candidate: Candidate) -> tuple[Candidate, tuple[FilterStep, ...]]:
        """Run the final filters; nothing that a client has painted is taken back."""
        filtered, steps = apply_final_filters(self.context, candidate)
        painted = self._painted
        if painted is None or filtered.text.startswith(painted.text):
            return filtered, steps
        # A later filter wants less than the user sees. Then the filters only end what is seen.
        ended, _ = apply_final_filters(
            self.context, replace(painted, overwrites=0, unfinished=False)
        )
        kept = ended if ended.text.startswith(painted.text) else painted
        step = FilterStep("already shown", filtered.text, kept.text)
        return kept, (*steps, step)

    def _show(self, candidate: Candidate, steps: tuple[FilterStep, ...]) -> Outcome:
        explanation = self._explain(self._progress, steps)
        if candidate.text:
            start = self.context.offset
            completion = Completion(self.id, candidate.text, start, start + candidate.overwrites)
            return Shown(completion, "the model's answer", explanation)
        by = explanation.filters[-1].name if explanation.filters else ""
        reason = f"nothing left after the filter {by}" if by else "the model wrote nothing"
        return NotShown(Status.EMPTY, reason, explanation)

    def _is_painted_at(self, offset: int) -> bool:
        """Whether a client shows text after `offset`, which must not vanish."""
        painted = self._painted
        return painted is not None and offset < self.context.offset + len(painted.text)

    def _explain(self, progress: Progress, steps: tuple[FilterStep, ...]) -> Explanation:
        prompt = self._prompt
        return Explanation(
            source="engine",
            mode=self.context.mode,
            prompt=prompt.rendered if prompt else "",
            raw=progress.steps[0].before if progress.steps else progress.text,
            filters=progress.steps + steps,
            prompt_tokens=progress.usage.prompt_tokens,
            cached_tokens=progress.usage.cached_tokens,
            read_tokens=prompt.uncached_tokens if prompt else 0,
            completion_tokens=progress.usage.completion_tokens,
            first_token_ms=progress.first_token_ms,
        )
