"""Reads an open document ahead in pauses, so that a jump in it costs only the text at the cursor.

The document is read in its fixed windows (`prompt/windows.py`), first the cursor's window, then the
nearest ones. What the engine does with them, and why reading ahead works:

- The worker has 8 sequences over one KV cache of `model.n_ctx` cells. A request gets the sequence,
  in the context or outside, that shares most leading tokens with its prompt. A shared prefix costs
  nothing in the context, and a copy of some milliseconds from the memory tier.
- Idle cells in the context slow down decoding, so a window moves to the memory tier as soon as it
  is read, and only one window is in the context at a time. The memory tier (`model.parked_mb`)
  takes about 20,000 tokens of a model of 0.5B parameters; the worker writes it to the disk tier
  when it is idle.
- The last lane does this work. Every other request interrupts its batch within milliseconds, and
  nothing of a place or a conversation in use is moved out of the context or dropped for it.

The budget is TOKENS_PER_MINUTE, or TOKENS_PER_MINUTE_ON_BATTERY, and MAX_TOKENS for one document.
Reading ends when the memory tier no longer holds the cursor's window. A window that an edit changed
is read again when the text has been the same for _SETTLED_S seconds.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import psutil

from copilotd.completion.prefill import Prefill
from copilotd.documents import Document, Snippet
from copilotd.engine.interface import Engine
from copilotd.engine.types import GenerateRequest, Lane
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import build_window, list_windows
from copilotd.prompt.windows import Window
from copilotd.secret_files import SecretFiles

TOKENS_PER_MINUTE = 12_000
"""Two cores with a model of 0.5B parameters evaluate about 9,000 tokens in a minute, so this limits
only machines on which reading ahead is over within seconds anyway."""
TOKENS_PER_MINUTE_ON_BATTERY = 1_500
"""A file of a hundred lines in a minute."""
MAX_TOKENS = 16_384
_MIN_NEW = 64
"""With fewer unread tokens in a window, a request reads them in time by itself."""
_SETTLED_S = 10.0
"""Otherwise each pause in typing would read the text below the cursor again."""
_LESS = 0.75
"""If the memory tier did not hold what was read, read only this share of it from then on."""
_MAX_FINISHED = 128


class ReadAhead:
    """Evaluates the windows of a document before a request needs them.

    `tokens_read` counts the tokens that were evaluated.
    """

    def __init__(
        self,
        engine: Engine,
        prefill: Prefill,
        is_on_battery: Callable[[], bool] | None = None,
        secret_files: SecretFiles | None = None,
    ) -> None:
        self.tokens_read = 0
        self._engine = engine
        self._prefill = prefill
        self._pace = Pace(is_on_battery or _is_on_battery)
        self._secret_files = secret_files or SecretFiles()
        self._finished: OrderedDict[str, _Finished] = OrderedDict()
        self._max_tokens = MAX_TOKENS

    async def read(
        self, document: Document, offset: int, budget: Budget, snippets: tuple[Snippet, ...]
    ) -> None:
        """Evaluate the windows of `document` around `offset`. Raises: EngineError."""
        info = await self._engine.info()
        if info.is_upstream or info.layout.suffix_first or self._is_secret(document):
            return
        windows = sorted(
            list_windows(info, document, budget), key=lambda window: _distance(window, offset)
        )
        changed = [window for window in windows if _key(document, window) in self._finished]
        new = [window for window in windows if window not in changed]
        first, total = None, 0
        for window in [*new, None, *changed]:
            if window is None:
                has_changed = any(not self._is_read(document, w, snippets) for w in changed)
                await asyncio.sleep(_SETTLED_S if has_changed else 0)
                continue
            tokens = await self._tokens_of(document, window, snippets)
            first, total = first or tokens, total + len(tokens)
            if total > self._max_tokens:
                return
            if await self._evaluate(tokens) and not await self._is_kept(first):
                self._max_tokens = int(_LESS * total)
                return
            self._remember(document, window, snippets, tokens)

    def clear(self) -> None:
        """Forget what was read: the KV cache is empty, or belongs to another model."""
        self._finished.clear()
        self._max_tokens = MAX_TOKENS

    def _is_secret(self, document: Document) -> bool:
        return any(
            name and self._secret_files.contains(Path(name))
            for name in (document.path, document.uri.rpartition("/")[2])
        )

    async def _tokens_of(
        self, document: Document, window: Window, snippets: tuple[Snippet, ...]
    ) -> tuple[int, ...]:
        finished = self._finished.get(_key(document, window))
        if finished and finished.equals(document, window, snippets):
            return finished.tokens
        info = await self._engine.info()
        return await build_window(self._engine, info, document, window, snippets)

    def _is_read(self, document: Document, window: Window, snippets: tuple[Snippet, ...]) -> bool:
        finished = self._finished.get(_key(document, window))
        return (
            finished is not None
            and finished.equals(document, window, snippets)
            and self._prefill.is_cached(finished.tokens)
        )

    def _remember(
        self,
        document: Document,
        window: Window,
        snippets: tuple[Snippet, ...],
        tokens: tuple[int, ...],
    ) -> None:
        self._prefill.mark_read(tokens)
        key, text = _key(document, window), document.text[window.start : window.end]
        self._finished[key] = _Finished(text, snippets, tokens)
        self._finished.move_to_end(key)
        while len(self._finished) > _MAX_FINISHED:
            self._finished.popitem(last=False)

    async def _evaluate(self, tokens: tuple[int, ...]) -> bool:
        """Evaluate `tokens` within the budget; False if nearly all of them are cached."""
        if self._prefill.is_cached(tokens):
            return False
        uncached = len(tokens) - await self._engine.cached_prefix_length(list(tokens))
        if uncached < _MIN_NEW:
            return False
        await self._pace.wait_for(uncached)
        request = GenerateRequest(list(tokens), 0, lane=Lane.READ_AHEAD)
        async with aclosing(self._engine.generate(request)) as events:
            async for _ in events:
                pass
        self.tokens_read += uncached
        return True

    async def _is_kept(self, tokens: tuple[int, ...]) -> bool:
        """Whether the cache still holds `tokens`."""
        if await self._engine.cached_prefix_length(list(tokens)) + _MIN_NEW >= len(tokens):
            return True
        self._prefill.forget_read()
        return False


@dataclass(frozen=True, slots=True)
class _Finished:
    """A window that was read to its end."""

    text: str
    snippets: tuple[Snippet, ...]
    tokens: tuple[int, ...]

    def equals(self, document: Document, window: Window, snippets: tuple[Snippet, ...]) -> bool:
        """Whether `window` has the same tokens."""
        text = document.text[window.start : window.end]
        return (self.text, self.snippets) == (text, snippets)


class Pace:
    """Spreads the work so that a minute has no more tokens than the budget."""

    def __init__(
        self,
        is_on_battery: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_on_battery = is_on_battery
        self._clock = clock
        self._free_at = clock()

    async def wait_for(self, tokens: int) -> None:
        """Wait until `tokens` more may be evaluated, and count them.

        One window may always be ahead of the budget, so the cursor's window never waits.
        """
        now = self._clock()
        wait_s = max(0.0, self._free_at - now)
        rate = TOKENS_PER_MINUTE_ON_BATTERY if self._is_on_battery() else TOKENS_PER_MINUTE
        await asyncio.sleep(wait_s)
        self._free_at = now + wait_s + 60 * tokens / rate


def _distance(window: Window, offset: int) -> tuple[int, int]:
    """Order: the cursor's window, then the nearest ones; of two, the lower one."""
    if window.start <= offset < window.end:
        return 0, -window.start
    return max(window.start - offset, offset - window.end), 0


def _key(document: Document, window: Window) -> str:
    """Recognises a window after an edit in it, by its first line and the document."""
    end = document.text.find("\n", window.start, window.end)
    return f"{document.uri}\n{document.text[window.start : max(end, window.start)]}"


def _is_on_battery() -> bool:
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return battery is not None and not battery.power_plugged
