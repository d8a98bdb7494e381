"""Evaluates prompts into the KV cache, and knows which prompts are in it.

Each prompt is evaluated once for all requests that need it. The work continues while a request
waits, and then to the end of a slice unless another prompt is needed.
"""

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass

from msgspec import structs

from copilotd.completion.shared_task import SharedTask
from copilotd.engine.interface import Engine
from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.tokens.moved_run import find_moved_run
from copilotd.engine.types import GenerateRequest, Lane
from copilotd.prompt.anchor import AnchoredPrompt, PlacedPrompt

_MAX_PROMPTS = 64
_RECENT = 4
"""Number of prompts whose end is usually still in the cache; a prompt that diverges cuts off the
end of an older one."""
_SHORT = 16
"""Up to this many tokens, even a slow machine evaluates so fast that a request does the work alone.
Work that a request does alone is lost if the next keystroke cancels the request."""
_SLICE = 128
"""Up to this many tokens are evaluated to the end even if no request waits, because the next
keystroke needs them. Otherwise a user who types fast at a new place starts the same prefill with
every letter."""
_SHARED_TAIL = 32
"""A tail of at least this many characters is evaluated like the prompt, not by a request that the
next keystroke cancels. Otherwise a user who keeps typing at a new place never sees a suggestion."""

Tokens = tuple[int, ...]


class Prefill:
    """The prompts that are in the KV cache, and the prompts that are being evaluated."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._evaluations: OrderedDict[Tokens, _Evaluation] = OrderedDict()
        self._tails: dict[str, tuple[AnchoredPrompt, str]] = {}
        self._windows: OrderedDict[Tokens, None] = OrderedDict()

    def is_cached(self, tokens: Tokens) -> bool:
        """Whether a request that begins with `tokens` hardly waits for prefill."""
        return len(tokens) <= _SHORT or any(
            cached[: len(tokens)] == tokens for cached in reversed(self._cached_prompts())
        )

    def is_started(self, tokens: Tokens) -> bool:
        """Whether `tokens` are cached, or being evaluated."""
        return len(tokens) <= _SHORT or any(
            other[: len(tokens)] == tokens and not evaluation.task.failed
            for other, evaluation in self._evaluations.items()
        )

    def count_uncached(self, prompt: AnchoredPrompt) -> int:
        """How many tokens of `prompt` are still to be evaluated."""
        prefix = self._cached_prefix(prompt.tokens)
        return len(prompt.tokens) - prefix - self._count_movable(prompt, prefix)

    async def evaluate_placed(
        self, uri: str, placed: PlacedPrompt, lane: Lane, *, whole_tail: bool
    ) -> None:
        """Wait until the prompt is in the cache. Raises: EngineError.

        Most of a long tail is evaluated too; with `whole_tail`, the whole tail.
        """
        tail = placed.match.tail if whole_tail else _stable_part(placed.match.tail)
        prompt, evaluated = self._tails.get(uri, (placed.prompt, ""))
        known = common_prefix_length(evaluated, tail) if prompt == placed.prompt else 0
        repositionable = placed.prompt.repositionable
        if len(tail) - known < _SHARED_TAIL:
            return await self.evaluate(placed.prompt.tokens, lane, repositionable)
        await self.evaluate(await self._tokens_up_to(tail, placed), lane, repositionable)
        self._tails[uri] = placed.prompt, tail

    def mark_evaluated(self, uri: str, placed: PlacedPrompt) -> None:
        """Record that the model writes after `placed`, so the KV cache holds the whole prompt."""
        self._tails[uri] = placed.prompt, placed.match.tail

    def mark_read(self, window: Tokens) -> None:
        """Record that the tokens of a window were read ahead (`read_ahead.py`)."""
        self._windows[window] = None
        self._windows.move_to_end(window)
        while len(self._windows) > _MAX_PROMPTS:
            self._windows.popitem(last=False)

    def forget_read(self) -> None:
        """Record that windows which were read ahead may have left the cache."""
        self._windows.clear()

    def forget_document(self, uri: str) -> None:
        """Forget how much of a document's tail is in the cache."""
        self._tails.pop(uri, None)

    async def evaluate(
        self, tokens: Tokens, lane: Lane, repositionable: tuple[int, int] | None = None
    ) -> None:
        """Wait until `tokens` are in the cache. Raises: EngineError.

        The `repositionable` range may reuse cells that were evaluated after another text. A request
        takes over the work from a lane that comes after its own.
        """
        self._cancel_unneeded(tokens, lane)
        if tokens in self._evaluations:
            self._evaluations.move_to_end(tokens)
        if not self.is_cached(tokens):
            running = self._find_running(tokens, lane)
            await (running or self._start(tokens, lane, repositionable)).task.result()

    def clear(self) -> None:
        """Record that the KV cache is empty."""
        self._evaluations.clear()
        self._tails.clear()
        self._windows.clear()

    def _cached_prompts(self) -> list[Tokens]:
        """What is in the cache, the prompts of the last requests at the end."""
        prompts = (tokens for tokens, e in self._evaluations.items() if e.succeeded)
        return [*self._windows, *prompts]

    def _cached_prefix(self, tokens: Tokens) -> int:
        """How many leading tokens are in the cache."""
        return max(
            (common_prefix_length(tokens, other) for other in self._cached_prompts()), default=0
        )

    def _count_movable(self, prompt: AnchoredPrompt, prefix: int) -> int:
        """How many tokens after the cached prefix can reuse cells of another prompt."""
        if prompt.repositionable is None:
            return 0
        start, end = prompt.repositionable
        part = prompt.tokens[max(start, prefix) : end]
        runs = (find_moved_run(part, other) for other in self._cached_prompts()[-_RECENT:])
        return max((run.length for run in runs if run), default=0)

    async def _tokens_up_to(self, tail: str, placed: PlacedPrompt) -> Tokens:
        """The prompt up to the end of `tail`, tokenized as a request will tokenize it."""
        tokens = await self._engine.tokenize(placed.match.tail, special=False)
        part = await self._engine.tokenize(tail, special=False)
        return (*placed.prompt.tokens, *tokens[: common_prefix_length(tokens, part)])

    def _start(
        self, tokens: Tokens, lane: Lane, repositionable: tuple[int, int] | None
    ) -> "_Evaluation":
        older = self._evaluations.pop(tokens, None)
        if older is not None:
            older.task.cancel()
        request = GenerateRequest(list(tokens), 0, lane=lane, repositionable=repositionable)
        task = SharedTask(self._evaluate_slices(tokens, request), grace_s=None)
        evaluation = self._evaluations[tokens] = _Evaluation(lane, task)
        while len(self._evaluations) > _MAX_PROMPTS:
            self._evaluations.popitem(last=False)
        return evaluation

    def _find_running(self, tokens: Tokens, lane: Lane) -> "_Evaluation | None":
        """A running evaluation that begins with `tokens`, if requests of `lane` may wait for it."""
        same = (e for other, e in self._evaluations.items() if other[: len(tokens)] == tokens)
        return next((e for e in same if not e.task.done and e.serves(lane)), None)

    def _cancel_unneeded(self, tokens: Tokens, lane: Lane) -> None:
        needed = self._find_running(tokens, lane)
        for evaluation in self._evaluations.values():
            if evaluation is not needed and not evaluation.task.is_awaited:
                evaluation.task.cancel()

    async def _evaluate_slices(self, tokens: Tokens, request: GenerateRequest) -> None:
        for end in self._slice_ends(tokens, request):
            part = structs.replace(request, prompt=request.prompt[:end], repositionable=None)
            await self._run(part)
            evaluation = self._evaluations.get(tokens)
            if evaluation is None or not evaluation.task.is_awaited:
                raise asyncio.CancelledError
        await self._run(request)

    def _slice_ends(self, tokens: Tokens, request: GenerateRequest) -> range:
        """The ends of all slices but the last, which has the whole repositionable range."""
        exact = request.repositionable[0] if request.repositionable else len(tokens)
        return range(self._cached_prefix(tokens) + _SLICE, exact, _SLICE)

    async def _run(self, request: GenerateRequest) -> None:
        async with aclosing(self._engine.generate(request)) as events:
            async for _ in events:
                pass


@dataclass(frozen=True, slots=True)
class _Evaluation:
    lane: Lane
    task: SharedTask

    @property
    def succeeded(self) -> bool:
        return self.task.done and not self.task.failed

    def serves(self, lane: Lane) -> bool:
        return self.succeeded or (not self.task.done and self.lane <= lane)


def _stable_part(tail: str) -> str:
    """The beginning of `tail` that stays the same for some keystrokes, to share its prefill."""
    line = tail.rfind("\n") + 1
    return tail[: len(tail) - (len(tail) - line) % _SHARED_TAIL]
