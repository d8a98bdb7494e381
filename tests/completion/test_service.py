"""Every completion request ends in one outcome, and says why."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import msgspec
import pytest

from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionStats, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.performance import Speed
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.errors import CopilotdError, EngineDied, EngineNotReady
from copilotd.models.fim import FimTokens
from tests.cursor import accepted, completion_of, document, request

SETTINGS = CompletionSection(debounce_ms=0, target_ms=60_000)


def service(script: str = "", **settings: object) -> CompletionService:
    return CompletionService(FakeEngine(script), Live(SETTINGS.model_copy(update=settings)))


async def test_the_text_of_the_model_goes_in_at_the_cursor() -> None:
    marked = "def add(a, b):\n    return ║\n"
    outcome = await service("a + b").complete(request(marked))
    assert outcome.status is Status.SHOWN
    assert accepted(marked, outcome) == "def add(a, b):\n    return a + b║\n"


async def test_the_model_sees_a_fim_prompt_of_both_sides() -> None:
    engine = FakeEngine("x")
    await CompletionService(engine, Live(SETTINGS)).complete(request("before║\nafter\n"))
    asked = engine.requests[0]
    assert await engine.detokenize(asked.prompt) == "<PRE><SUF>\nafter\n<MID>"
    assert asked.tail == "before"


async def test_a_model_without_fim_tokens_continues_the_prefix() -> None:
    engine = FakeEngine("x", info=msgspec.structs.replace(FAKE_MODEL, fim=FimTokens()))
    await CompletionService(engine, Live(SETTINGS)).complete(request("before║\nafter\n"))
    assert (engine.requests[0].prompt, engine.requests[0].tail) == ([], "before")


async def test_who_asks_explicitly_may_be_given_more_than_fits_into_the_time() -> None:
    engine = FakeEngine("text")
    speed = Speed(prefill={512: 200.0}, decode={100: 40.0})
    completions = CompletionService(engine, Live(SETTINGS), Live(speed))
    await completions.complete(request("x = ║", Trigger.AUTOMATIC))
    await completions.complete(request("y = ║", Trigger.INVOKED))
    assert [asked.max_tokens for asked in engine.requests] == [19, 96]


@pytest.mark.parametrize(("asked_after_s", "waits_s"), [(0.05, 0.02), (0.2, 0.0), (5.0, 0.0)])
async def test_the_next_keystroke_is_waited_for_from_the_last_one_on(
    monkeypatch: pytest.MonkeyPatch, asked_after_s: float, waits_s: float
) -> None:
    waits: list[float] = []
    now = 100.0

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("copilotd.completion.service.asyncio.sleep", sleep)
    monkeypatch.setattr("copilotd.completion.limits.time.perf_counter", lambda: now)
    completions = service("a", debounce_ms=70, anticipate=False)
    completions.on_change(*document("x = ║"), "test")
    now += asked_after_s
    await completions.complete(request("x = ║", Trigger.AUTOMATIC))
    assert waits[0] == pytest.approx(waits_s)


async def test_text_typed_along_a_suggestion_needs_no_model() -> None:
    engine = FakeEngine("a + b")
    completions = CompletionService(engine, Live(SETTINGS))
    first = await completions.complete(request("return ║\n"))
    second = await completions.complete(request("return a +║\n"))
    assert accepted("return a +║\n", second) == "return a + b║\n"
    assert completion_of(first).id == completion_of(second).id
    assert (len(engine.requests), completions.stats().cache_hits) == (1, 1)


async def test_a_newer_request_of_the_same_document_cancels_the_older() -> None:
    gate = asyncio.Event()
    engine = FakeEngine("x", gate=gate)
    completions = CompletionService(engine, Live(SETTINGS))
    older = asyncio.create_task(completions.complete(request("a║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    newer = asyncio.create_task(completions.complete(request("ab║")))
    cancelled = await older
    gate.set()
    assert (cancelled.status, cancelled.reason) == (
        Status.CANCELLED,
        "a newer request of the same document came in",
    )
    assert (await newer).status is Status.SHOWN
    assert engine.cancelled == 1


async def test_another_editor_on_the_same_document_is_left_alone() -> None:
    completions = service("x")
    both = await asyncio.gather(
        completions.complete(request("a║", client="one")),
        completions.complete(request("a║", client="two")),
    )
    assert [outcome.status for outcome in both] == [Status.SHOWN, Status.SHOWN]


async def test_cancelling_the_caller_frees_the_engine() -> None:
    engine = FakeEngine("x", gate=asyncio.Event())
    task = asyncio.create_task(CompletionService(engine, Live(SETTINGS)).complete(request("a║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)


async def test_generation_stops_as_soon_as_a_filter_has_seen_enough() -> None:
    engine = FakeEngine("a + b\n\n\ndef next():\n    pass\n")
    marked = "total = ║\n"
    outcome = await CompletionService(engine, Live(SETTINGS)).complete(request(marked))
    assert accepted(marked, outcome) == "total = a + b║\n"
    assert engine.cancelled == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"enabled": False}, "ghost text is switched off (completion.enabled)"),
        ({"disabled_languages": ["python"]}, "python is in completion.disabled_languages"),
    ],
)
async def test_what_is_switched_off_is_skipped_with_its_setting(
    settings: dict[str, object], reason: str
) -> None:
    outcome = await service("x", **settings).complete(request("a║", trigger=Trigger.AUTOMATIC))
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, reason)


async def test_an_explicit_request_is_answered_although_it_is_switched_off() -> None:
    outcome = await service("x", enabled=False).complete(request("a║"))
    assert outcome.status is Status.SHOWN


class BrokenEngine(FakeEngine):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        yield Chunk("half a")
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EngineDied("The worker ended.", "Try again."), Status.FAILED),
        (EngineNotReady("It is being downloaded.", "Wait."), Status.SKIPPED),
    ],
)
async def test_an_engine_error_becomes_an_outcome(error: CopilotdError, status: Status) -> None:
    outcome = await CompletionService(BrokenEngine(error), Live(SETTINGS)).complete(request("a║"))
    assert (outcome.status, outcome.reason) == (status, f"{error.message} {error.hint}")


async def test_a_mistake_of_ours_becomes_an_outcome_too() -> None:
    outcome = await CompletionService(BrokenEngine(KeyError("x")), Live(SETTINGS)).complete(
        request("a║")
    )
    assert (outcome.status, outcome.reason) == (
        Status.FAILED,
        "an internal error; `copilotd logs` has its trace",
    )


async def test_nothing_from_the_model_is_an_empty_outcome() -> None:
    outcome = await service("").complete(request("a║"))
    assert (outcome.status, outcome.reason) == (Status.EMPTY, "the model wrote nothing")


async def test_each_suggestion_is_settled_once() -> None:
    completions = service("x")
    outcome = await completions.complete(request("a║"))
    id = completion_of(outcome).id
    for _ in range(2):
        completions.accept(id)
        completions.reject(id)
    completions.accept("unknown")
    assert completions.stats() == CompletionStats(requests=1, shown=1, accepted=1)


async def test_the_last_outcome_tells_what_went_in_and_what_happened() -> None:
    completions = service("a + b\nmore")
    await completions.complete(request("total = ║\n"))
    assert completions.last is not None
    told = replace(completions.last.explanation, first_token_ms=0, total_ms=0)
    assert (told.source, told.mode, told.prompt) == (
        "engine",
        "line",
        "<PRE><SUF>\n<MID>total = ",
    )
    assert told.filters[0].after == "a + b"
