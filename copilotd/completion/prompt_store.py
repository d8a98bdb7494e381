"""Chooses the prompt for a cursor: the best one that can be in the KV cache in time."""

from collections import OrderedDict, deque
from dataclasses import replace

from copilotd.completion.prefill import Prefill
from copilotd.completion.read_ahead import ReadAhead
from copilotd.documents import Document, Snippet
from copilotd.engine.interface import Engine
from copilotd.engine.types import Lane
from copilotd.prompt.anchor import AnchoredPrompt, Layout, PlacedPrompt
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import (
    Cursor,
    build_brief_prompt,
    build_head,
    build_prompt,
    choose_snippets,
)

_PROMPTS_PER_DOCUMENT = 4
_MAX_DOCUMENTS = 64
_MIN_SUFFIX = 24
"""With fewer tokens of the text after the cursor, the model often repeats that text."""


class PromptStore:
    """The anchored prompts of the open documents."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._prefill = Prefill(engine)
        self._read_ahead = ReadAhead(engine, self._prefill)
        self._documents: OrderedDict[str, deque[AnchoredPrompt]] = OrderedDict()

    @property
    def read_ahead_tokens(self) -> int:
        """How many tokens of documents were evaluated in pauses, since the start."""
        return self._read_ahead.tokens_read

    async def prompt_for(self, cursor: Cursor, budget: Budget, lane: Lane) -> PlacedPrompt:
        """The prompt for `cursor`, once the KV cache holds it. Raises: EngineError.

        It is brief if prefill of the whole prompt takes too long; `refresh` evaluates that one
        later.
        """
        placed = self._choose(cursor) or await self._build_in_time(cursor, budget)
        placed = replace(placed, uncached_tokens=self._count_uncached(placed.prompt))
        await self._prefill.evaluate_placed(cursor.document.uri, placed, lane, whole_tail=False)
        return placed

    def has_whole(self, cursor: Cursor) -> bool:
        """Whether the KV cache holds a whole prompt for `cursor`."""
        placed = self._best_match(cursor)
        return placed is not None and not placed.prompt.brief and self._is_ready(placed.prompt)

    async def refresh(self, cursor: Cursor, budget: Budget) -> None:
        """Evaluate a whole prompt with its anchor near `cursor`, unless that is already done."""
        placed, snippets = self._best_match(cursor), await self._snippets(cursor, budget)
        is_good = placed and placed.match.fresh and placed.prompt.is_whole_with(snippets)
        if placed is None or not is_good:
            placed = await self._build(cursor, budget, snippets)
        uri = cursor.document.uri
        await self._prefill.evaluate_placed(uri, placed, Lane.BACKGROUND, whole_tail=True)

    async def warm_up(self, document: Document, budget: Budget) -> None:
        """Evaluate the snippets of a document that the user turned to."""
        info = await self._engine.info()
        if snippets := await self._snippets(Cursor(document, 0), budget):
            head = await build_head(self._engine, info, document, snippets)
            await self._prefill.evaluate(head, Lane.BACKGROUND)

    async def read_ahead(self, document: Document, offset: int | None, budget: Budget) -> None:
        """Evaluate the beginnings of the prompts for all places in a document.

        The places around `offset` come first; None means where the last prompt was.
        """
        if offset is None:
            known = self._prompts_of(document.uri)
            offset = known[-1].layout.anchor if known else 0
        snippets = await self._snippets(Cursor(document, offset), budget)
        await self._read_ahead.read(document, offset, budget, snippets)

    def mark_evaluated(self, document: Document, placed: PlacedPrompt) -> None:
        """Record that the model writes after `placed`, so the KV cache holds the whole prompt."""
        self._prefill.mark_evaluated(document.uri, placed)

    def clear(self) -> None:
        """Forget all prompts: the KV cache is empty, or belongs to another model."""
        self._documents.clear()
        self._prefill.clear()
        self._read_ahead.clear()

    # --- choose ------------------------------------------------------------------------------

    def _choose(self, cursor: Cursor) -> PlacedPrompt | None:
        """The best known prompt that serves the cursor, if it is cached or soon will be."""
        placed = self._best_match(cursor)
        return placed if placed and self._is_ready(placed.prompt) else None

    def _best_match(self, cursor: Cursor) -> PlacedPrompt | None:
        """The known prompt that is ready soonest; among equals, the best."""
        matches = [
            PlacedPrompt(prompt, match)
            for prompt in reversed(self._prompts_of(cursor.document.uri))
            if (match := prompt.match(cursor.document.text, cursor.offset))
        ]
        return min(matches, key=self._rank, default=None)

    def _rank(self, placed: PlacedPrompt) -> tuple[bool, bool, bool, int]:
        prompt, match = placed.prompt, placed.match
        return (not self._is_ready(prompt), prompt.brief, not match.fresh, len(match.tail))

    def _is_ready(self, prompt: AnchoredPrompt) -> bool:
        """Whether the prompt is cached, or is a brief one that is being evaluated."""
        is_ready = self._prefill.is_started if prompt.brief else self._prefill.is_cached
        return is_ready(prompt.tokens)

    def _count_uncached(self, prompt: AnchoredPrompt) -> int:
        return 0 if self._prefill.is_cached(prompt.tokens) else self._prefill.count_uncached(prompt)

    # --- build -------------------------------------------------------------------------------

    async def _build_in_time(self, cursor: Cursor, budget: Budget) -> PlacedPrompt:
        """The best prompt that needs little prefill; if necessary with older snippets, or brief."""
        newest = await self._snippets(cursor, budget)
        for snippets in dict.fromkeys((newest, self._cached_snippets(cursor.document.uri))):
            placed = await self._build(cursor, budget, snippets)
            uncached = await self._count_unread(cursor.document.uri, placed.prompt, budget)
            if uncached <= budget.cold_prompt_tokens:
                return placed
            room = budget.cold_prompt_tokens - (uncached - placed.prompt.n_suffix)
            if min(room, placed.prompt.n_suffix) >= _MIN_SUFFIX:
                less = replace(budget, suffix_tokens=room)
                return await self._build(cursor, less, snippets, brief=True)
        info = await self._engine.info()
        return self._add(cursor, await build_brief_prompt(self._engine, info, cursor, budget))

    async def _build(
        self,
        cursor: Cursor,
        budget: Budget,
        snippets: tuple[Snippet, ...],
        *,
        brief: bool = False,
    ) -> PlacedPrompt:
        info, previous = await self._engine.info(), self._previous_layout(cursor.document.uri)
        placed = await build_prompt(self._engine, info, cursor, budget, snippets, previous)
        return self._add(cursor, replace(placed, prompt=replace(placed.prompt, brief=brief)))

    def _add(self, cursor: Cursor, placed: PlacedPrompt) -> PlacedPrompt:
        known = self._prompts_of(cursor.document.uri)
        if placed.prompt in known:
            known.remove(placed.prompt)
        known.append(placed.prompt)
        return placed

    async def _count_unread(self, uri: str, prompt: AnchoredPrompt, budget: Budget) -> int:
        """How many tokens of a new prompt are still to be evaluated.

        While no prompt of a document is cached, only the worker knows: it may have been restarted,
        and have the prompt, or its window, in a file.
        """
        uncached = self._prefill.count_uncached(prompt)
        if uncached > budget.cold_prompt_tokens and not self._cached_prompts(uri):
            tokens = list(prompt.tokens)
            cached = await self._engine.cached_prefix_length(tokens)
            uncached = min(uncached, len(tokens) - cached)
        return uncached

    async def _snippets(self, cursor: Cursor, budget: Budget) -> tuple[Snippet, ...]:
        info = await self._engine.info()
        previous = self._cached_snippets(cursor.document.uri)
        return choose_snippets(info, cursor.document, budget, previous)

    def _previous_layout(self, uri: str) -> Layout | None:
        whole = (prompt for prompt in reversed(self._prompts_of(uri)) if not prompt.brief)
        return next((prompt.layout for prompt in whole), None)

    def _cached_snippets(self, uri: str) -> tuple[Snippet, ...]:
        """The snippets of the newest whole prompt in the cache."""
        whole = (prompt for prompt in self._cached_prompts(uri) if not prompt.brief)
        return next((prompt.snippets for prompt in whole), ())

    def _cached_prompts(self, uri: str) -> list[AnchoredPrompt]:
        """The document's prompts in the cache, the newest first."""
        known = reversed(self._prompts_of(uri))
        return [prompt for prompt in known if self._prefill.is_cached(prompt.tokens)]

    def _prompts_of(self, uri: str) -> deque[AnchoredPrompt]:
        prompts = self._documents.setdefault(uri, deque(maxlen=_PROMPTS_PER_DOCUMENT))
        self._documents.move_to_end(uri)
        while len(self._documents) > _MAX_DOCUMENTS:
            oldest, _ = self._documents.popitem(last=False)
            self._prefill.forget_document(oldest)
        return prompts
