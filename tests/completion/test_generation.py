"""One generation serves each request whose text still fits what the model writes."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from copilotd.completion import prefill
from copilotd.completion.service import CompletionService
from copilotd.completion.types import Outcome, Shown, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, Finished, FinishReason, GenerateRequest, Lane, Usage
from tests.cursor import accept_outcome, build_request, get_completion, parse_document

SETTINGS = CompletionSection(debounce_ms=0, target_ms=1, anticipate=False)
AUTOMATIC = Trigger.AUTOMATIC


class ManualEngine(FakeEngine):
    """An engine that writes its next piece of text when the test calls `write`."""

    def __init__(self, *pieces: str) -> None:
        super().__init__()
        self._pieces = pieces
        self._allowed = asyncio.Semaphore(0)
        self.finished_writing = asyncio.Event()

    def write(self, pieces: int = 1) -> None:
        for _ in range(pieces):
            self._allowed.release()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        self.requests.append(request)
        self.request_received.set()
        finished = False
        try:
            for piece in self._pieces:
                await self._allowed.acquire()
                yield Chunk(piece)
            finished = True
            self.finished_writing.set()
            yield Finished(FinishReason.STOP, Usage())
        finally:
            if not finished:
                self.cancelled += 1
                self.generation_cancelled.set()


async def test_an_automatic_request_gets_the_text_written_within_the_target_time() -> None:
    engine = ManualEngine("first_of(1), ", "second(2)", "[0]")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    outcome = await asyncio.wait_for(completions.complete(build_request("x = ║", AUTOMATIC)), 30)
    assert accept_outcome("x = ║", outcome) == "x = first_of(1),║"
    assert engine.cancelled == 0


async def test_a_client_with_a_partial_completion_can_wait_for_the_whole() -> None:
    engine = ManualEngine("first_of(1), ", "second(2)", "[0]")
    completions = CompletionService(engine, Live(SETTINGS))
    automatic = build_request("x = ║", AUTOMATIC)
    engine.write()
    piece = await asyncio.wait_for(completions.complete(automatic), 30)
    waiting = asyncio.create_task(completions.wait_for_whole(automatic))
    engine.write(2)
    whole = await asyncio.wait_for(waiting, 30)
    assert isinstance(piece, Shown) and piece.is_partial
    assert whole and whole.text == "first_of(1), second(2)[0]"
    again = await asyncio.wait_for(completions.complete(automatic), 30)
    assert isinstance(again, Shown) and not again.is_partial


async def test_text_written_after_the_target_time_is_shown_to_the_next_request() -> None:
    engine = ManualEngine("first_of(1), ", "second(2)", "[0]")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    first = await asyncio.wait_for(completions.complete(build_request("x = ║", AUTOMATIC)), 30)
    engine.write(2)
    await asyncio.wait_for(engine.finished_writing.wait(), 30)
    second = await asyncio.wait_for(completions.complete(build_request("x = f║", AUTOMATIC)), 30)
    assert accept_outcome("x = f║", second) == "x = first_of(1), second(2)[0]║"
    assert get_completion(first).id == get_completion(second).id
    assert len(engine.requests) == 1


async def test_a_request_that_fits_a_running_generation_waits_for_it() -> None:
    engine = ManualEngine("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    older = asyncio.create_task(completions.complete(build_request("x = ║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    engine.write()
    newer = asyncio.create_task(completions.complete(build_request("x = ║", client="test")))
    assert (await asyncio.wait_for(older, 30)).status is Status.CANCELLED
    engine.write()
    assert accept_outcome("x = ║", await asyncio.wait_for(newer, 30)) == "x = foobar║"
    assert (len(engine.requests), engine.cancelled) == (1, 0)


async def test_an_explicit_request_gets_the_whole_completion() -> None:
    engine = ManualEngine("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write(2)
    outcome = await asyncio.wait_for(completions.complete(build_request("x = ║")), 30)
    assert accept_outcome("x = ║", outcome) == "x = foobar║"


async def test_a_request_that_does_not_fit_cancels_the_running_generation_and_starts_another() -> (
    None
):
    engine = ManualEngine("first_of(1), ", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    await asyncio.wait_for(completions.complete(build_request("x = ║", AUTOMATIC)), 30)
    newer = asyncio.create_task(completions.complete(build_request("x = g║")))
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)
    engine.write(2)
    assert accept_outcome("x = g║", await asyncio.wait_for(newer, 30)) == "x = gfirst_of(1), bar║"
    assert [request.tail for request in engine.requests] == ["x = ", "x = g"]


async def test_a_change_that_does_not_fit_cancels_the_generation_at_once() -> None:
    engine = ManualEngine("first_of(1), ", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    await asyncio.wait_for(completions.complete(build_request("x = ║", AUTOMATIC)), 30)
    assert engine.cancelled == 0
    completions.on_change(*parse_document("x = y║"), "test")
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)
    assert engine.cancelled == 1


async def test_a_request_that_is_cancelled_and_not_repeated_frees_the_engine() -> None:
    engine = ManualEngine("foo")
    task = asyncio.create_task(
        CompletionService(engine, Live(SETTINGS)).complete(build_request("a║"))
    )
    await asyncio.wait_for(engine.request_received.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)


async def test_a_request_that_is_cancelled_and_repeated_at_once_keeps_its_generation() -> None:
    engine = ManualEngine("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    first = asyncio.create_task(completions.complete(build_request("a = ║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    first.cancel()
    second = asyncio.create_task(completions.complete(build_request("a = ║")))
    engine.write(2)
    assert accept_outcome("a = ║", await asyncio.wait_for(second, 30)) == "a = foobar║"
    assert len(engine.requests) == 1


LONG = "".join(f"value_{i} = {i}\n" for i in range(40))


async def run_superseding_request(first: str, second: str) -> tuple[FakeEngine, Outcome]:
    """Send a second request while the model prefills for the first; return its outcome."""
    engine = FakeEngine("foo", gate=(gate := asyncio.Event()))
    completions = CompletionService(engine, Live(SETTINGS))
    older = asyncio.create_task(completions.complete(build_request(first, AUTOMATIC)))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    newer = asyncio.create_task(completions.complete(build_request(second)))
    assert (await asyncio.wait_for(older, 30)).status is Status.CANCELLED
    gate.set()
    return engine, await asyncio.wait_for(newer, 30)


class FinishReportingEngine(FakeEngine):
    """An engine that sets `finished` after the reader has taken the last event of a generation."""

    def __init__(self, script: str, hold: asyncio.Event) -> None:
        super().__init__(script, gate=hold)
        self.finished = asyncio.Event()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        async for event in super().generate(request):
            yield event
        self.finished.set()


async def test_a_cancelled_prefill_finishes_its_slice_and_reads_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefill, "_SLICE", 50)
    engine = FinishReportingEngine("foo", hold=(gate := asyncio.Event()))
    completions = CompletionService(engine, Live(SETTINGS))
    task = asyncio.create_task(completions.complete(build_request(f"{LONG}x║\n", AUTOMATIC)))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    completions.on_change(*parse_document(f"{LONG}║\n"), "test")
    assert (await asyncio.wait_for(task, 30)).status is Status.CANCELLED
    gate.set()
    await asyncio.wait_for(engine.finished.wait(), 30)
    assert ([len(request.prompt) for request in engine.requests], engine.cancelled) == ([50], 0)
    outcome = await asyncio.wait_for(
        completions.complete(build_request(f"{LONG}xy║\n", AUTOMATIC)), 30
    )
    assert outcome.status is Status.SHOWN
    assert [len(request.prompt) for request in engine.requests] == [50, 50, 100, 150, 158, 158]


async def test_a_long_prompt_is_prefilled_once_for_all_keystrokes_that_wait_for_it() -> None:
    engine, outcome = await run_superseding_request(f"{LONG}x║\n", f"{LONG}xy║\n")
    assert outcome.status is Status.SHOWN
    sent = [(request.max_tokens > 0, request.tail[-3:]) for request in engine.requests]
    assert sent == [(False, ""), (True, "\nxy")]
    assert engine.cancelled == 0


async def test_a_prefill_that_nobody_waits_for_is_cancelled_when_another_starts() -> None:
    engine = FakeEngine("foo", gate=asyncio.Event())
    completions = CompletionService(engine, Live(SETTINGS))
    task = asyncio.create_task(completions.complete(build_request(f"{LONG}x║\n", AUTOMATIC)))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.cancelled == 0
    other = LONG.replace("value", "other")
    newer = asyncio.create_task(completions.complete(build_request(f"{other}y║\n", AUTOMATIC)))
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)
    assert engine.cancelled == 1
    newer.cancel()


async def test_lines_typed_since_the_anchor_are_prefilled_separately_from_the_current_line() -> (
    None
):
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(SETTINGS))
    await completions.complete(build_request("x = ║"))
    typed = "".join(f"new_{i} = {i}\n" for i in range(40))
    await completions.complete(build_request(f"{typed}x = ║"))
    await completions.complete(build_request(f"{typed}x = f║"))
    sent = [(r.max_tokens > 0, await engine.detokenize(r.prompt)) for r in engine.requests]
    assert sent == [
        (True, "<PRE><SUF><MID>"),
        (False, f"<PRE><SUF><MID>{typed}"),
        (True, "<PRE><SUF><MID>"),
        (True, "<PRE><SUF><MID>"),
    ]


async def test_a_running_prefill_still_serves_after_the_editor_closes_a_bracket() -> None:
    engine, outcome = await run_superseding_request(f"{LONG}x = f║\n", f"{LONG}x = f(║)\n")
    assert accept_outcome(f"{LONG}x = f(║)\n", outcome) == f"{LONG}x = f(foo║)\n"
    assert [request.max_tokens > 0 for request in engine.requests] == [False, True]
    assert engine.requests[0].prompt == engine.requests[1].prompt
    assert engine.cancelled == 0


async def test_a_line_that_grows_by_a_few_characters_is_not_prefilled_separately() -> None:
    engine = FakeEngine("foo")
    completions = CompletionService(engine, Live(SETTINGS))
    for length in range(4, 100, 4):
        await completions.complete(build_request(f"{'x' * length}║"))
    assert all(request.max_tokens for request in engine.requests)


async def test_a_long_line_is_prefilled_once_while_the_user_types_in_it() -> None:
    engine, outcome = await run_superseding_request(f"{'x' * 70}║", f"{'x' * 71}║")
    assert outcome.status is Status.SHOWN
    sent = [(r.max_tokens > 0, await engine.detokenize(r.prompt)) for r in engine.requests]
    assert sent == [(False, f"<PRE><SUF><MID>{'x' * 64}"), (True, "<PRE><SUF><MID>")]
    assert engine.cancelled == 0


async def test_a_request_after_deleting_part_of_the_line_waits_for_the_running_prefill() -> None:
    engine, outcome = await run_superseding_request(f"{LONG}{'x' * 40}║", f"{LONG}x║")
    assert outcome.status is Status.SHOWN
    assert [request.max_tokens > 0 for request in engine.requests] == [False, True]
    assert engine.cancelled == 0


PREPARING = SETTINGS.model_copy(update={"anticipate": True})


async def wait_for_requests(engine: FakeEngine, count: int) -> list[GenerateRequest]:
    """Wait until the engine has received `count` requests; return all its requests."""
    async with asyncio.timeout(30):
        while len(engine.requests) < count:
            await asyncio.wait_for(engine.request_received.wait(), 30)
            engine.request_received.clear()
    return engine.requests


async def test_the_completion_after_acceptance_is_prepared_in_a_pause() -> None:
    engine = FakeEngine(lambda prompt: "second" if prompt.endswith("first ") else "first ")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(build_request("x = ║\n"))
    requests = await wait_for_requests(engine, 2)
    assert [(r.tail, r.lane) for r in requests] == [
        ("x = ", Lane.COMPLETION),
        ("x = first", Lane.BACKGROUND),
    ]


async def test_no_completion_is_prepared_while_the_current_one_is_partial() -> None:
    engine = ManualEngine("first_of(1), ", "more")
    completions = CompletionService(engine, Live(PREPARING))
    engine.write(3)  # Two of the pieces belong to the prefill of the prompt.
    completion = completions.complete(build_request(f"{LONG}x = ║\n", AUTOMATIC))
    outcome = await asyncio.wait_for(completion, 30)
    assert isinstance(outcome, Shown) and outcome.is_partial
    ahead = (await wait_for_requests(engine, 3))[2]
    assert (ahead.lane, ahead.max_tokens) == (Lane.BACKGROUND, 0)
    assert engine.cancelled == 0


async def test_no_completion_is_prepared_for_a_user_who_accepts_none() -> None:
    engine = FakeEngine("text")
    completions = CompletionService(engine, Live(PREPARING))
    for number in range(25):
        await completions.complete(build_request(f"x_{number} = ║\n"))
    completions.on_change(*parse_document(f"{LONG}║\n", "file:///w/b.py"), "test")
    requests = await wait_for_requests(engine, 26)
    assert [(r.lane, r.max_tokens) for r in requests[25:]] == [(Lane.BACKGROUND, 0)]


async def test_a_new_place_gets_a_brief_prompt_at_once_and_the_whole_prompt_in_a_pause() -> None:
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(build_request(f"{LONG}x = ║\n"))
    brief, generation, whole = (await wait_for_requests(engine, 3))[:3]
    assert len(brief.prompt) <= 400 < len(whole.prompt)
    assert generation.prompt == brief.prompt
    assert (brief.lane, whole.lane) == (Lane.COMPLETION, Lane.BACKGROUND)
    assert (brief.max_tokens, whole.max_tokens) == (0, 0)
    at = LONG.index("value_38")
    assert await engine.detokenize(whole.prompt) == f"<PRE>{LONG[:at]}<SUF>\n<MID>{LONG[at:]}x = "


async def test_a_whole_prompt_that_the_worker_has_saved_is_used_at_once() -> None:
    engine = FakeEngine("")
    engine.cached_tokens = 10_000
    completions = CompletionService(engine, Live(SETTINGS))
    await completions.complete(build_request(f"{LONG}x = ║\n"))
    head = LONG[: LONG.index("value_38")]
    whole = f"<PRE>{head}<SUF>\n<MID>"
    assert [await engine.detokenize(request.prompt) for request in engine.requests] == [
        whole,
        whole,
    ]


async def test_the_whole_prompt_is_used_once_it_is_prefilled() -> None:
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(build_request(f"{LONG}x = ║\n"))
    whole = (await wait_for_requests(engine, 3))[2]
    await completions.complete(build_request(f"{LONG}x = f║\n"))
    used = await engine.detokenize(engine.requests[3].prompt)
    tail = engine.requests[3].tail
    assert used + tail == await engine.detokenize(whole.prompt) + "f"


async def test_a_stale_prompt_is_laid_out_and_prefilled_again_in_a_pause() -> None:
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(build_request(f"{LONG}x = ║\n"))
    await wait_for_requests(engine, 3)
    changed = LONG.replace("value_1 = 1\n", "")
    completions.on_change(*parse_document(f"{changed}x = ║\n"), "test")
    fresh = (await wait_for_requests(engine, 4))[3]
    assert (fresh.lane, fresh.max_tokens) == (Lane.BACKGROUND, 0)
    assert (await engine.detokenize(fresh.prompt)).startswith("<PRE>value_0 = 0\nvalue_2")


async def test_the_beginning_of_a_document_is_prefilled_when_it_gets_the_focus() -> None:
    engine = FakeEngine("")
    CompletionService(engine, Live(PREPARING)).on_focus(parse_document(f"{LONG}║")[0])
    requests = await wait_for_requests(engine, 1)
    assert await engine.detokenize(requests[0].prompt) == f"<PRE>{LONG}"
