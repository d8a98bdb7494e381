"""Pauses read an open document ahead, within a budget, so that a jump costs little prefill."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from copilotd.completion import read_ahead
from copilotd.completion.prefill import Prefill
from copilotd.completion.prompt_store import PromptStore
from copilotd.completion.read_ahead import Pace, ReadAhead
from copilotd.completion.service import CompletionService
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.documents import Document
from copilotd.engine.fake import FakeEngine
from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.types import Chunk, Finished, GenerateRequest, Lane
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor, list_windows

BUDGET = Budget(400, 150, 16, 0, 0, 200)
LINES = [f"value_{n} = compute_{n * 7 % 13}(first, second)\n" for n in range(400)]
TEXT = "".join(LINES)
DOCUMENT = Document("file:///a.py", TEXT, "python", path="a.py")


def offset_of(line: int) -> int:
    return len("".join(LINES[:line]))


class CachingEngine(FakeEngine):
    """An engine that remembers the last `room` prompts."""

    def __init__(self, room: int = 1000) -> None:
        super().__init__()
        self._room = room

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        prompts = [request.prompt for request in self.requests[-self._room :]]
        return max((common_prefix_length(prompt, other) for other in prompts), default=0)


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is a character here, so the real budget would be used up at once."""
    monkeypatch.setattr(read_ahead, "TOKENS_PER_MINUTE", 10**12)
    monkeypatch.setattr(read_ahead, "MAX_TOKENS", 10**9)
    monkeypatch.setattr(read_ahead, "_SETTLED_S", 0.0)


async def list_texts(engine: FakeEngine, document: Document = DOCUMENT) -> list[str]:
    windows = list_windows(await engine.info(), document, BUDGET)
    return ["<PRE>" + document.text[window.start : window.end] for window in windows]


async def render(engine: FakeEngine, lane: Lane = Lane.READ_AHEAD) -> list[str]:
    return [await engine.detokenize(r.prompt) for r in engine.requests if r.lane is lane]


async def test_every_window_is_read_once_and_the_nearest_comes_first() -> None:
    engine = CachingEngine()
    reader = ReadAhead(engine, Prefill(engine))
    await reader.read(DOCUMENT, offset_of(200), BUDGET, ())
    await reader.read(DOCUMENT, offset_of(10), BUDGET, ())
    read = await render(engine)
    assert sorted(read) == sorted(await list_texts(engine))
    assert LINES[200] in read[0]
    assert reader.tokens_read <= 1.5 * len(TEXT)


async def test_a_jump_to_a_place_that_was_read_gets_the_whole_prefix() -> None:
    engine = CachingEngine()
    prompts = PromptStore(engine)
    await prompts.read_ahead(DOCUMENT, 0, BUDGET)
    read = await render(engine)
    before = len(engine.requests)
    placed = await prompts.prompt_for(Cursor(DOCUMENT, offset_of(300)), BUDGET, Lane.COMPLETION)
    prefix = placed.rendered.partition("<SUF>")[0]
    assert any(text.startswith(prefix) for text in read)
    assert LINES[297] in prefix and len(prefix) > BUDGET.cold_prompt_tokens
    assert placed.uncached_tokens <= BUDGET.cold_prompt_tokens
    assert len(engine.requests) == before + 1


async def test_the_statistics_count_the_tokens_that_were_read_ahead() -> None:
    engine = CachingEngine()
    completions = CompletionService(engine, Live(SETTINGS))
    completions.on_focus(DOCUMENT)
    await asyncio.wait_for(completions._preparation._idle_work._task, 60)  # type: ignore[arg-type]
    read = sum(
        len(request.prompt) for request in engine.requests if request.lane is Lane.READ_AHEAD
    )
    assert 0 < completions.stats().read_ahead_tokens <= read


async def test_a_place_that_was_not_read_gets_a_brief_prompt() -> None:
    engine = CachingEngine()
    prompts = PromptStore(engine)
    placed = await prompts.prompt_for(Cursor(DOCUMENT, offset_of(300)), BUDGET, Lane.COMPLETION)
    assert placed.prompt.brief and LINES[280] not in placed.rendered


async def test_after_an_edit_only_the_windows_around_it_are_read_again() -> None:
    engine = CachingEngine()
    reader = ReadAhead(engine, Prefill(engine))
    await reader.read(DOCUMENT, 0, BUDGET, ())
    before = set(await render(engine))
    at = offset_of(200) - 1
    edited = Document("file:///a.py", f"{TEXT[:at]} + 1{TEXT[at:]}", path="a.py")
    engine.requests.clear()
    await reader.read(edited, at, BUDGET, ())
    again = await render(engine)
    assert 1 <= len(again) <= 3
    assert not before & set(again)


async def test_reading_ends_when_the_cache_no_longer_holds_the_cursors_window() -> None:
    engine = CachingEngine(room=3)
    reader = ReadAhead(engine, Prefill(engine))
    for _ in range(3):
        await reader.read(DOCUMENT, 0, BUDGET, ())
    windows = len(await list_texts(engine))
    assert len(engine.requests) < windows + 3
    total = len(engine.requests)
    await reader.read(DOCUMENT, 0, BUDGET, ())
    assert len(engine.requests) <= total + 3


async def test_at_most_the_budgets_number_of_tokens_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_ahead, "MAX_TOKENS", 6000)
    engine = CachingEngine()
    await ReadAhead(engine, Prefill(engine)).read(DOCUMENT, 0, BUDGET, ())
    assert 3000 < sum(map(len, await render(engine))) <= 6000


@pytest.mark.parametrize("name", [".env", "server.key", "secrets.yaml", ".ssh/config"])
async def test_secret_files_are_not_read(name: str) -> None:
    engine = CachingEngine()
    document = Document(f"file:///home/me/{name}", TEXT, path=name)
    await ReadAhead(engine, Prefill(engine)).read(document, 0, BUDGET, ())
    assert not engine.requests


class FocusedEngine(CachingEngine):
    """An engine whose read-ahead requests can be awaited, and run until they are cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = asyncio.Event()
        self.stopped = asyncio.Event()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        if request.lane is Lane.READ_AHEAD:
            self.reading.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.stopped.set()
        async for event in super().generate(request):
            yield event


SETTINGS = CompletionSection(debounce_ms=0, target_ms=1)


async def test_the_next_key_stops_reading_ahead() -> None:
    engine = FocusedEngine()
    completions = CompletionService(engine, Live(SETTINGS))
    completions.on_focus(DOCUMENT)
    await asyncio.wait_for(engine.reading.wait(), 30)
    completions.on_change(DOCUMENT, 5, "editor")
    await asyncio.wait_for(engine.stopped.wait(), 30)


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS.model_copy(update={"enabled": False}),
        SETTINGS.model_copy(update={"anticipate": False}),
        SETTINGS.model_copy(update={"disabled_languages": ["python"]}),
    ],
    ids=["ghost text off", "no preparation", "language off"],
)
async def test_nothing_is_read_where_nothing_is_suggested(settings: CompletionSection) -> None:
    engine = FocusedEngine()
    completions = CompletionService(engine, Live(settings))
    completions.on_focus(DOCUMENT)
    task = completions._preparation._idle_work._task
    if task is not None:
        await asyncio.wait_for(task, 30)
    assert not engine.reading.is_set()


@pytest.mark.parametrize(("on_battery", "seconds"), [(False, 60.0), (True, 480.0)])
async def test_the_budget_is_smaller_on_battery(
    monkeypatch: pytest.MonkeyPatch, on_battery: bool, seconds: float
) -> None:
    monkeypatch.setattr(read_ahead, "TOKENS_PER_MINUTE", 12_000)
    waits: list[float] = []

    async def sleep(wait_s: float) -> None:
        waits.append(wait_s)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    pace = Pace(lambda: on_battery, clock=lambda: 0.0)
    await pace.wait_for(12_000)
    await pace.wait_for(1)
    assert waits == [0.0, seconds]
