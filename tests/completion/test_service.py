"""Each completion request ends in exactly one outcome, with a reason."""

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
from tests.cursor import accept_outcome, build_request, get_completion, parse_document

SETTINGS = CompletionSection(debounce_ms=0, target_ms=60_000)


def create_service(script: str = "", **settings: object) -> CompletionService:
    return CompletionService(FakeEngine(script), Live(SETTINGS.model_copy(update=settings)))


async def test_the_text_of_the_model_is_inserted_at_the_cursor() -> None:
    marked = "def add(a, b):\n    return ║\n"
    outcome = await create_service("a + b").complete(build_request(marked))
    assert outcome.status is Status.SHOWN
    assert accept_outcome(marked, outcome) == "def add(a, b):\n    return a + b║\n"


async def test_the_fim_prompt_has_the_text_on_both_sides_of_the_cursor() -> None:
    engine = FakeEngine("x")
    await CompletionService(engine, Live(SETTINGS)).complete(build_request("before║\nafter\n"))
    sent = engine.requests[0]
    assert await engine.detokenize(sent.prompt) == "<PRE><SUF>\nafter\n<MID>"
    assert sent.tail == "before"


async def test_a_model_without_fim_tokens_continues_the_prefix() -> None:
    engine = FakeEngine("x", info=msgspec.structs.replace(FAKE_MODEL, fim=FimTokens()))
    await CompletionService(engine, Live(SETTINGS)).complete(build_request("before║\nafter\n"))
    assert (engine.requests[0].prompt, engine.requests[0].tail) == ([], "before")


async def test_an_explicit_request_may_get_more_tokens_than_fit_into_the_time() -> None:
    engine = FakeEngine("text")
    speed = Speed(prefill={512: 200.0}, decode={100: 40.0})
    completions = CompletionService(engine, Live(SETTINGS), Live(speed))
    await completions.complete(build_request("x = ║", Trigger.AUTOMATIC))
    await completions.complete(build_request("y = ║", Trigger.INVOKED))
    assert [request.max_tokens for request in engine.requests] == [19, 96]


@pytest.mark.parametrize(("request_after_s", "waits_s"), [(0.05, 0.02), (0.2, 0.0), (5.0, 0.0)])
async def test_the_debounce_time_starts_at_the_last_keystroke(
    monkeypatch: pytest.MonkeyPatch, request_after_s: float, waits_s: float
) -> None:
    waits: list[float] = []
    now = 100.0

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("copilotd.completion.service.asyncio.sleep", sleep)
    monkeypatch.setattr("copilotd.completion.limits.time.perf_counter", lambda: now)
    completions = create_service("a", debounce_ms=70, anticipate=False)
    completions.on_change(*parse_document("x = ║"), "test")
    now += request_after_s
    await completions.complete(build_request("x = ║", Trigger.AUTOMATIC))
    assert waits[0] == pytest.approx(waits_s)


async def test_a_request_that_fits_a_shown_suggestion_needs_no_model() -> None:
    engine = FakeEngine("a + b")
    completions = CompletionService(engine, Live(SETTINGS))
    first = await completions.complete(build_request("return ║\n"))
    second = await completions.complete(build_request("return a +║\n"))
    assert accept_outcome("return a +║\n", second) == "return a + b║\n"
    assert get_completion(first).id == get_completion(second).id
    assert (len(engine.requests), completions.stats().cache_hits) == (1, 1)


async def test_a_newer_request_of_the_same_document_cancels_the_older() -> None:
    gate = asyncio.Event()
    engine = FakeEngine("x", gate=gate)
    completions = CompletionService(engine, Live(SETTINGS))
    older = asyncio.create_task(completions.complete(build_request("a║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    newer = asyncio.create_task(completions.complete(build_request("ab║")))
    cancelled = await older
    gate.set()
    assert (cancelled.status, cancelled.reason) == (
        Status.CANCELLED,
        "a newer request for the same document arrived",
    )
    assert (await newer).status is Status.SHOWN
    assert engine.cancelled == 1


async def test_a_request_of_another_editor_on_the_same_document_goes_on() -> None:
    completions = create_service("x")
    both = await asyncio.gather(
        completions.complete(build_request("a║", client="one")),
        completions.complete(build_request("a║", client="two")),
    )
    assert [outcome.status for outcome in both] == [Status.SHOWN, Status.SHOWN]


async def test_cancelling_the_caller_cancels_the_generation() -> None:
    engine = FakeEngine("x", gate=asyncio.Event())
    task = asyncio.create_task(
        CompletionService(engine, Live(SETTINGS)).complete(build_request("a║"))
    )
    await asyncio.wait_for(engine.request_received.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)


async def test_generation_stops_as_soon_as_a_filter_ends_it() -> None:
    engine = FakeEngine("a + b\n\n\ndef next():\n    pass\n")
    marked = "total = ║\n"
    outcome = await CompletionService(engine, Live(SETTINGS)).complete(build_request(marked))
    assert accept_outcome(marked, outcome) == "total = a + b║\n"
    assert engine.cancelled == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"enabled": False}, "ghost text is switched off (completion.enabled)"),
        ({"disabled_languages": ["python"]}, "python is in completion.disabled_languages"),
        ({"disabled_languages": ["go", "PY"]}, "python is in completion.disabled_languages"),
    ],
)
async def test_a_request_that_a_setting_switches_off_is_skipped_and_names_the_setting(
    settings: dict[str, object], reason: str
) -> None:
    outcome = await create_service("x", **settings).complete(
        build_request("a║", trigger=Trigger.AUTOMATIC)
    )
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, reason)


async def test_an_explicit_request_is_answered_although_ghost_text_is_switched_off() -> None:
    outcome = await create_service("x", enabled=False).complete(build_request("a║"))
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
    outcome = await CompletionService(BrokenEngine(error), Live(SETTINGS)).complete(
        build_request("a║")
    )
    assert (outcome.status, outcome.reason) == (status, f"{error.message} {error.hint}")


async def test_an_internal_error_becomes_an_outcome() -> None:
    outcome = await CompletionService(BrokenEngine(KeyError("x")), Live(SETTINGS)).complete(
        build_request("a║")
    )
    assert (outcome.status, outcome.reason) == (
        Status.FAILED,
        "an internal error; `copilotd logs` has its trace",
    )


async def test_an_empty_answer_of_the_model_is_an_empty_outcome() -> None:
    outcome = await create_service("").complete(build_request("a║"))
    assert (outcome.status, outcome.reason) == (Status.EMPTY, "the model wrote nothing")


async def test_each_suggestion_is_counted_once() -> None:
    completions = create_service("x")
    outcome = await completions.complete(build_request("a║"))
    id = get_completion(outcome).id
    for _ in range(2):
        completions.accept(id)
        completions.reject(id)
    completions.accept("unknown")
    assert completions.stats() == CompletionStats(requests=1, shown=1, accepted=1)


async def test_the_last_outcome_explains_its_prompt_and_its_filters() -> None:
    completions = create_service("a + b\nmore")
    await completions.complete(build_request("total = ║\n"))
    assert completions.last is not None
    explanation = replace(completions.last.explanation, first_token_ms=0, total_ms=0)
    assert (explanation.source, explanation.mode, explanation.prompt) == (
        "engine",
        "line",
        "<PRE><SUF>\n<MID>total = ",
    )
    assert explanation.filters[0].after == "a + b"
