"""The anchored prompts of the open documents: for a cursor, the best one that is read in time."""

from collections import OrderedDict, deque
from dataclasses import dataclass, replace

from copilotd.completion.prefill import Readings
from copilotd.documents import Document, Snippet
from copilotd.engine.interface import Engine
from copilotd.engine.tokens.common_prefix import common_prefix
from copilotd.engine.types import Lane, ModelInfo
from copilotd.prompt.anchor import Anchor, Fit, Layout, lay_out
from copilotd.prompt.budget import Budget
from copilotd.prompt.fim import fim_prompt, movable, with_bos
from copilotd.prompt.snippets import REPOSITORY, choose, files

_PER_DOCUMENT = 4
_DOCUMENTS = 64
_WORTH_READING = 32
"""Characters of a tail that are read as the prompt is, and not by a request that the next keystroke
ends: somebody who types on at a new place would never see anything."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """A prompt for one cursor: the anchor's, then `fit.tail`; `read` tokens of it were new."""

    anchor: Anchor
    fit: Fit
    read: int = 0

    @property
    def rendered(self) -> str:
        """The prompt as text."""
        return self.anchor.rendered + self.fit.tail


class Anchors:
    """Finds or lays out the prompt for a cursor, and has it evaluated."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._readings = Readings(engine)
        self._documents: OrderedDict[str, deque[Anchor]] = OrderedDict()
        self._reached: dict[str, tuple[Anchor, str]] = {}

    async def at(self, document: Document, offset: int, budget: Budget, lane: Lane) -> Anchored:
        """The prompt for `offset`, once the KV cache holds it. Raises: EngineError.

        Where reading it would take too long, it is a brief one; `settle` reads the whole later.
        """
        chosen = self._known(document, offset)
        if chosen is None or not self._is_near(chosen.anchor):
            chosen = await self._new(document, offset, budget)
        held = self._readings.hold(chosen.anchor.prompt)
        missing = 0 if held else self._readings.missing(chosen.anchor)
        await self._read(document, chosen, _steady(chosen.fit.tail), lane)
        return replace(chosen, read=missing)

    def reached(self, document: Document, chosen: Anchored) -> None:
        """The model writes behind `chosen`: the KV cache holds all of it."""
        self._reached[document.uri] = chosen.anchor, chosen.fit.tail

    async def settle(self, document: Document, offset: int, budget: Budget) -> None:
        """Read a whole prompt that is laid out for this cursor, unless that is done already."""
        known, snippets = self._known(document, offset), await self._snippets(document, budget)
        if known is None or not known.fit.fresh or not known.anchor.is_whole_with(snippets):
            known = await self._whole(document, offset, budget, snippets)
        await self._read(document, known, known.fit.tail, Lane.BACKGROUND)

    async def warm_head(self, document: Document, budget: Budget) -> None:
        """Read the snippets, and the beginning of a document in which nobody asked for anything.

        A later prompt begins with it wherever in the first window the cursor is.
        """
        info = await self._engine.info()
        head = await self._head(await self._snippets(document, budget), document.path)
        layout = lay_out(document, len(document.text), 0, budget.prefix_tokens, 0)
        if self._of(document.uri) or info.layout.suffix_first or layout.start:
            prompt = with_bos(info, head)
        else:
            before = await self._engine.tokenize(layout.before, special=False)
            # Without the markers of suffix and middle, it is how every prompt from here on begins.
            whole = fim_prompt(info, before, [], head) if info.fim.usable else []
            prompt = whole[:-2] or with_bos(info, before)
        await self._readings.ready(tuple(prompt), Lane.BACKGROUND)

    def clear(self) -> None:
        """Forget all prompts: the KV cache is empty, or belongs to another model."""
        self._documents.clear()
        self._reached.clear()
        self._readings.clear()

    def _known(self, document: Document, offset: int) -> Anchored | None:
        """Of the anchors that serve this cursor, the one to be had soonest, then the best."""
        fits = [
            Anchored(anchor, fit)
            for anchor in reversed(self._of(document.uri))
            if (fit := anchor.fit(document.text, offset))
        ]
        return min(fits, key=self._cost, default=None)

    def _cost(self, known: Anchored) -> tuple[bool, bool, bool, int]:
        anchor, fit = known.anchor, known.fit
        return (not self._is_near(anchor), anchor.brief, not fit.fresh, len(fit.tail))

    def _is_near(self, anchor: Anchor) -> bool:
        """Whether its prompt is held, or soon will be: a brief one that is being read."""
        near = self._readings.begun if anchor.brief else self._readings.hold
        return near(anchor.prompt)

    async def _new(self, document: Document, offset: int, budget: Budget) -> Anchored:
        """The best that is read in time: without snippets that are new, or brief, if need be."""
        wanted = await self._snippets(document, budget)
        for snippets in dict.fromkeys((wanted, self._in_front(document.uri))):
            whole = await self._whole(document, offset, budget, snippets)
            if await self._is_in_time(document, whole, budget):
                return whole
        return await self._brief(document, offset, budget)

    async def _is_in_time(self, document: Document, chosen: Anchored, budget: Budget) -> bool:
        """Whether little enough of a prompt is to be evaluated.

        While none of a document is read, it is the worker that knows: it may have been started
        anew, and have the prompt in a file.
        """
        missing = self._readings.missing(chosen.anchor)
        if missing > budget.first_tokens and not self._held(document.uri):
            prompt = list(chosen.anchor.prompt)
            missing = len(prompt) - await self._engine.held(prompt)
        return missing <= budget.first_tokens

    async def _whole(
        self, document: Document, offset: int, budget: Budget, snippets: tuple[Snippet, ...]
    ) -> Anchored:
        known = self._of(document.uri)
        info = await self._engine.info()
        layout = lay_out(
            document,
            offset,
            info.layout.anchor_lines,
            min(budget.prefix_tokens, info.n_ctx // 4),
            min(budget.suffix_tokens, info.n_ctx // 8) if info.fim.usable else 0,
            next((anchor.layout for anchor in reversed(known) if not anchor.brief), None),
        )
        return await self._laid_out(document, offset, layout, snippets, brief=False)

    async def _brief(self, document: Document, offset: int, budget: Budget) -> Anchored:
        """A prompt of what is nearest to the cursor, read in the time for a first answer."""
        info = await self._engine.info()
        after = budget.first_tokens // 4 if info.fim.usable and budget.suffix_tokens else 0
        # The prefix may be laid out half as long again.
        before = (budget.first_tokens - after) * 2 // 3
        layout = lay_out(document, offset, info.layout.anchor_lines, before, after)
        return await self._laid_out(document, offset, layout, (), brief=True)

    async def _read(self, document: Document, chosen: Anchored, tail: str, lane: Lane) -> None:
        """Have the prompt evaluated, and `tail` with it unless little of that is new."""
        anchor, reached = self._reached.get(document.uri, (chosen.anchor, ""))
        known = common_prefix(reached, tail) if anchor == chosen.anchor else 0
        if len(tail) - known < _WORTH_READING:
            return await self._readings.ready(chosen.anchor.prompt, lane, chosen.anchor.movable)
        prompt = await self._down_to(tail, chosen)
        await self._readings.ready(prompt, lane, chosen.anchor.movable)
        self._reached[document.uri] = chosen.anchor, tail

    async def _down_to(self, tail: str, chosen: Anchored) -> tuple[int, ...]:
        """The prompt down to the end of `tail`, in the tokens that a request will have."""
        tokens = await self._engine.tokenize(chosen.fit.tail, special=False)
        steady = await self._engine.tokenize(tail, special=False)
        return (*chosen.anchor.prompt, *tokens[: common_prefix(tokens, steady)])

    async def _laid_out(
        self,
        document: Document,
        offset: int,
        layout: Layout,
        snippets: tuple[Snippet, ...],
        *,
        brief: bool,
    ) -> Anchored:
        info = await self._engine.info()
        prompt = await self._prompt(layout, info, await self._head(snippets, document.path))
        rendered = await self._engine.detokenize(prompt)
        anchor = Anchor(layout, tuple(prompt), brief, rendered, movable(info, prompt), snippets)
        known = self._of(document.uri)
        if anchor in known:
            known.remove(anchor)
        known.append(anchor)
        return Anchored(anchor, Fit(document.text[layout.at : offset], fresh=True))

    async def _prompt(self, layout: Layout, info: ModelInfo, head: list[int]) -> list[int]:
        before = await self._engine.tokenize(layout.before, special=False)
        before = before[-info.n_ctx // 2 :]
        if not info.fim.usable:
            return with_bos(info, before)
        after = await self._engine.tokenize(layout.after, special=False)
        return fim_prompt(info, before, after[: info.n_ctx // 8], head)

    async def _snippets(self, document: Document, budget: Budget) -> tuple[Snippet, ...]:
        """Those of other files that should stand in front, if the model knows several files."""
        info = await self._engine.info()
        if not info.fim.usable or info.fim.separator is None:
            return ()
        tokens = min(budget.snippet_tokens, info.n_ctx // 8)
        return choose(document.snippets, self._in_front(document.uri), tokens)

    def _in_front(self, uri: str) -> tuple[Snippet, ...]:
        """Those that stand in front of the newest prompt that is read."""
        whole = (anchor for anchor in self._held(uri) if not anchor.brief)
        return next((anchor.snippets for anchor in whole), ())

    def _held(self, uri: str) -> list[Anchor]:
        """The anchors that are read, the newest first."""
        known = reversed(self._of(uri))
        return [anchor for anchor in known if self._readings.hold(anchor.prompt)]

    async def _head(self, snippets: tuple[Snippet, ...], path: str) -> list[int]:
        """How a prompt with those begins."""
        fim = (await self._engine.info()).fim
        if not snippets or fim.separator is None:
            return []
        tokens: list[int] = []
        if fim.repository is not None:
            tokens = [fim.repository, *await self._engine.tokenize(REPOSITORY, special=False)]
        for text in files(snippets, path):
            tokens += [fim.separator, *await self._engine.tokenize(text, special=False)]
        return tokens

    def _of(self, uri: str) -> deque[Anchor]:
        anchors = self._documents.setdefault(uri, deque(maxlen=_PER_DOCUMENT))
        self._documents.move_to_end(uri)
        while len(self._documents) > _DOCUMENTS:
            oldest, _ = self._documents.popitem(last=False)
            self._reached.pop(oldest, None)
        return anchors


def _steady(tail: str) -> str:
    """A beginning of `tail` that stays the same for some keystrokes, so that they share it."""
    line = tail.rfind("\n") + 1
    return tail[: len(tail) - (len(tail) - line) % _WORTH_READING]
