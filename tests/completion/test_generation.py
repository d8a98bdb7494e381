"""One generation serves the requests that are typed along it."""

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
from tests.cursor import accepted, completion_of, document, request

SETTINGS = CompletionSection(debounce_ms=0, target_ms=1, anticipate=False)
AUTOMATIC = Trigger.AUTOMATIC


class PieceByPiece(FakeEngine):
    """Writes the next piece when it is told to; `taken` says how many were."""

    def __init__(self, *pieces: str) -> None:
        super().__init__()
        self._pieces = pieces
        self._allowed = asyncio.Semaphore(0)
        self.written = asyncio.Event()

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
            self.written.set()
            yield Finished(FinishReason.STOP, Usage())
        finally:
            if not finished:
                self.cancelled += 1
                self.generation_cancelled.set()


async def test_a_request_is_served_with_what_is_written_when_the_time_has_come() -> None:
    engine = PieceByPiece("foo", "bar", "baz")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    outcome = await asyncio.wait_for(completions.complete(request("x = ║", AUTOMATIC)), 30)
    assert accepted("x = ║", outcome) == "x = foo║"
    assert engine.cancelled == 0


async def test_who_got_a_piece_can_wait_for_the_whole() -> None:
    engine = PieceByPiece("foo", "bar", "baz")
    completions = CompletionService(engine, Live(SETTINGS))
    asked = request("x = ║", AUTOMATIC)
    engine.write()
    piece = await asyncio.wait_for(completions.complete(asked), 30)
    waiting = asyncio.create_task(completions.wait_for_whole(asked))
    engine.write(2)
    whole = await asyncio.wait_for(waiting, 30)
    assert isinstance(piece, Shown) and piece.is_partial
    assert whole and whole.text == "foobarbaz"
    again = await asyncio.wait_for(completions.complete(asked), 30)
    assert isinstance(again, Shown) and not again.is_partial


async def test_what_is_written_after_that_is_shown_to_the_next_request_typed_along_it() -> None:
    engine = PieceByPiece("foo", "bar", "baz")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    first = await asyncio.wait_for(completions.complete(request("x = ║", AUTOMATIC)), 30)
    engine.write(2)
    await asyncio.wait_for(engine.written.wait(), 30)
    second = await asyncio.wait_for(completions.complete(request("x = f║", AUTOMATIC)), 30)
    assert accepted("x = f║", second) == "x = foobarbaz║"
    assert completion_of(first).id == completion_of(second).id
    assert len(engine.requests) == 1


async def test_a_request_typed_along_a_running_generation_waits_for_it() -> None:
    engine = PieceByPiece("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    older = asyncio.create_task(completions.complete(request("x = ║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    engine.write()
    newer = asyncio.create_task(completions.complete(request("x = ║", client="test")))
    assert (await asyncio.wait_for(older, 30)).status is Status.CANCELLED
    engine.write()
    assert accepted("x = ║", await asyncio.wait_for(newer, 30)) == "x = foobar║"
    assert (len(engine.requests), engine.cancelled) == (1, 0)


async def test_one_who_asked_explicitly_gets_the_whole() -> None:
    engine = PieceByPiece("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write(2)
    outcome = await asyncio.wait_for(completions.complete(request("x = ║")), 30)
    assert accepted("x = ║", outcome) == "x = foobar║"


async def test_a_request_that_was_typed_differently_starts_anew_and_ends_the_older() -> None:
    engine = PieceByPiece("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    await asyncio.wait_for(completions.complete(request("x = ║", AUTOMATIC)), 30)
    newer = asyncio.create_task(completions.complete(request("x = g║")))
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)
    engine.write(2)
    assert accepted("x = g║", await asyncio.wait_for(newer, 30)) == "x = gfoobar║"
    assert [asked.tail for asked in engine.requests] == ["x = ", "x = g"]


async def test_a_change_that_leaves_its_way_ends_a_generation_at_once() -> None:
    engine = PieceByPiece("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    engine.write()
    await asyncio.wait_for(completions.complete(request("x = ║", AUTOMATIC)), 30)
    assert engine.cancelled == 0
    completions.on_change(*document("x = y║"), "test")
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)
    assert engine.cancelled == 1


async def test_a_request_that_is_cancelled_and_not_repeated_frees_the_engine() -> None:
    engine = PieceByPiece("foo")
    task = asyncio.create_task(CompletionService(engine, Live(SETTINGS)).complete(request("a║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)


async def test_a_request_that_is_cancelled_and_repeated_at_once_goes_on() -> None:
    engine = PieceByPiece("foo", "bar")
    completions = CompletionService(engine, Live(SETTINGS))
    first = asyncio.create_task(completions.complete(request("a = ║")))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    first.cancel()
    second = asyncio.create_task(completions.complete(request("a = ║")))
    engine.write(2)
    assert accepted("a = ║", await asyncio.wait_for(second, 30)) == "a = foobar║"
    assert len(engine.requests) == 1


LONG = "".join(f"value_{i} = {i}\n" for i in range(40))


async def overtaken(first: str, second: str) -> tuple[FakeEngine, Outcome]:
    """What the second of two requests gets that came while the model read for the first."""
    engine = FakeEngine("foo", gate=(gate := asyncio.Event()))
    completions = CompletionService(engine, Live(SETTINGS))
    older = asyncio.create_task(completions.complete(request(first, AUTOMATIC)))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    newer = asyncio.create_task(completions.complete(request(second)))
    assert (await asyncio.wait_for(older, 30)).status is Status.CANCELLED
    gate.set()
    return engine, await asyncio.wait_for(newer, 30)


class Noting(FakeEngine):
    """Says when a generation has come to its end; its reader goes on before anybody hears it."""

    def __init__(self, script: str, hold: asyncio.Event) -> None:
        super().__init__(script, gate=hold)
        self.finished = asyncio.Event()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        async for event in super().generate(request):
            yield event
        self.finished.set()


async def test_a_slice_that_was_begun_is_read_to_its_end_and_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefill, "_SLICE", 100)
    engine = Noting("foo", hold=(gate := asyncio.Event()))
    completions = CompletionService(engine, Live(SETTINGS))
    task = asyncio.create_task(completions.complete(request(f"{LONG}x║\n", AUTOMATIC)))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    completions.on_change(*document(f"{LONG}║\n"), "test")
    assert (await asyncio.wait_for(task, 30)).status is Status.CANCELLED
    gate.set()
    await asyncio.wait_for(engine.finished.wait(), 30)
    assert ([len(wanted.prompt) for wanted in engine.requests], engine.cancelled) == ([100], 0)
    outcome = await asyncio.wait_for(completions.complete(request(f"{LONG}xy║\n", AUTOMATIC)), 30)
    assert outcome.status is Status.SHOWN
    assert [len(wanted.prompt) for wanted in engine.requests] == [100, 100, 200, 214, 214]


async def test_a_long_prompt_is_read_once_for_all_keystrokes_that_wait_for_it() -> None:
    engine, outcome = await overtaken(f"{LONG}x║\n", f"{LONG}xy║\n")
    assert outcome.status is Status.SHOWN
    asked = [(wanted.max_tokens > 0, wanted.tail[-3:]) for wanted in engine.requests]
    assert asked == [(False, ""), (True, "\nxy")]
    assert engine.cancelled == 0


async def test_a_reading_that_nobody_waits_for_ends_when_another_is_begun() -> None:
    engine = FakeEngine("foo", gate=asyncio.Event())
    completions = CompletionService(engine, Live(SETTINGS))
    task = asyncio.create_task(completions.complete(request(f"{LONG}x║\n", AUTOMATIC)))
    await asyncio.wait_for(engine.request_received.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.cancelled == 0
    other = LONG.replace("value", "other")
    newer = asyncio.create_task(completions.complete(request(f"{other}y║\n", AUTOMATIC)))
    await asyncio.wait_for(engine.generation_cancelled.wait(), 30)
    assert engine.cancelled == 1
    newer.cancel()


async def test_lines_typed_since_the_anchor_are_read_apart_from_the_one_that_is_being_typed() -> (
    None
):
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(SETTINGS))
    await completions.complete(request("x = ║"))
    typed = "".join(f"new_{i} = {i}\n" for i in range(40))
    await completions.complete(request(f"{typed}x = ║"))
    await completions.complete(request(f"{typed}x = f║"))
    asked = [(r.max_tokens > 0, await engine.detokenize(r.prompt)) for r in engine.requests]
    assert asked == [
        (True, "<PRE><SUF><MID>"),
        (False, f"<PRE><SUF><MID>{typed}"),
        (True, "<PRE><SUF><MID>"),
        (True, "<PRE><SUF><MID>"),
    ]


async def test_a_prompt_that_is_being_read_serves_when_the_editor_closes_a_bracket() -> None:
    engine, outcome = await overtaken(f"{LONG}x = f║\n", f"{LONG}x = f(║)\n")
    assert accepted(f"{LONG}x = f(║)\n", outcome) == f"{LONG}x = f(foo║)\n"
    assert [wanted.max_tokens > 0 for wanted in engine.requests] == [False, True]
    assert engine.requests[0].prompt == engine.requests[1].prompt
    assert engine.cancelled == 0


async def test_what_was_written_behind_is_not_read_apart() -> None:
    engine = FakeEngine("foo")
    completions = CompletionService(engine, Live(SETTINGS))
    for length in range(4, 100, 4):
        await completions.complete(request(f"{'x' * length}║"))
    assert all(asked.max_tokens for asked in engine.requests)


async def test_a_line_is_read_once_for_all_who_type_on_in_its_middle() -> None:
    engine, outcome = await overtaken(f"{'x' * 70}║", f"{'x' * 71}║")
    assert outcome.status is Status.SHOWN
    asked = [(r.max_tokens > 0, await engine.detokenize(r.prompt)) for r in engine.requests]
    assert asked == [(False, f"<PRE><SUF><MID>{'x' * 64}"), (True, "<PRE><SUF><MID>")]
    assert engine.cancelled == 0


async def test_who_deletes_some_of_a_line_that_is_being_read_waits_for_it() -> None:
    engine, outcome = await overtaken(f"{LONG}{'x' * 40}║", f"{LONG}x║")
    assert outcome.status is Status.SHOWN
    assert [asked.max_tokens > 0 for asked in engine.requests] == [False, True]
    assert engine.cancelled == 0


PREPARING = SETTINGS.model_copy(update={"anticipate": True})


async def prepared(engine: FakeEngine, count: int) -> list[GenerateRequest]:
    """What was asked of the engine, once that is `count` requests."""
    async with asyncio.timeout(30):
        while len(engine.requests) < count:
            await asyncio.wait_for(engine.request_received.wait(), 30)
            engine.request_received.clear()
    return engine.requests


async def test_in_a_pause_what_follows_acceptance_is_asked_for() -> None:
    engine = FakeEngine(lambda prompt: "second" if prompt.endswith("first ") else "first ")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(request("x = ║\n"))
    asked = await prepared(engine, 2)
    assert [(r.tail, r.lane) for r in asked] == [
        ("x = ", Lane.COMPLETION),
        ("x = first", Lane.BACKGROUND),
    ]


async def test_what_is_still_being_written_is_not_asked_for_ahead() -> None:
    engine = PieceByPiece("first ", "more")
    completions = CompletionService(engine, Live(PREPARING))
    engine.write(3)  # two of them for the reading of the prompt
    asked = completions.complete(request(f"{LONG}x = ║\n", AUTOMATIC))
    outcome = await asyncio.wait_for(asked, 30)
    assert isinstance(outcome, Shown) and outcome.is_partial
    ahead = (await prepared(engine, 3))[2]
    assert (ahead.lane, ahead.max_tokens) == (Lane.BACKGROUND, 0)
    assert engine.cancelled == 0


async def test_nothing_is_asked_ahead_for_somebody_who_accepts_nothing() -> None:
    engine = FakeEngine("text")
    completions = CompletionService(engine, Live(PREPARING))
    for number in range(25):
        await completions.complete(request(f"x_{number} = ║\n"))
    completions.on_change(*document(f"{LONG}║\n", "file:///w/b.py"), "test")
    asked = await prepared(engine, 26)
    assert [(r.lane, r.max_tokens) for r in asked[25:]] == [(Lane.BACKGROUND, 0)]


async def test_a_place_that_is_new_to_the_model_gets_a_brief_prompt_and_the_whole_in_a_pause() -> (
    None
):
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(request(f"{LONG}x = ║\n"))
    brief, asked, whole = (await prepared(engine, 3))[:3]
    assert len(brief.prompt) <= 400 < len(whole.prompt)
    assert asked.prompt == brief.prompt
    assert (brief.lane, whole.lane) == (Lane.COMPLETION, Lane.BACKGROUND)
    assert (brief.max_tokens, whole.max_tokens) == (0, 0)
    at = LONG.index("value_38")
    assert await engine.detokenize(whole.prompt) == f"<PRE>{LONG[:at]}<SUF>\n<MID>{LONG[at:]}x = "


async def test_a_prompt_that_the_worker_kept_in_a_file_is_used_whole_at_once() -> None:
    engine = FakeEngine("")
    engine.cached_tokens = 10_000
    completions = CompletionService(engine, Live(SETTINGS))
    await completions.complete(request(f"{LONG}x = ║\n"))
    head = LONG[: LONG.index("value_38")]
    whole = f"<PRE>{head}<SUF>\n<MID>"
    assert [await engine.detokenize(asked.prompt) for asked in engine.requests] == [whole, whole]


async def test_once_the_whole_prompt_is_read_it_is_used() -> None:
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(request(f"{LONG}x = ║\n"))
    whole = (await prepared(engine, 3))[2]
    await completions.complete(request(f"{LONG}x = f║\n"))
    asked = await engine.detokenize(engine.requests[3].prompt)
    tail = engine.requests[3].tail
    assert asked + tail == await engine.detokenize(whole.prompt) + "f"


async def test_in_a_pause_a_prompt_that_went_stale_is_laid_out_and_read_afresh() -> None:
    engine = FakeEngine("")
    completions = CompletionService(engine, Live(PREPARING))
    await completions.complete(request(f"{LONG}x = ║\n"))
    await prepared(engine, 3)
    changed = LONG.replace("value_1 = 1\n", "")
    completions.on_change(*document(f"{changed}x = ║\n"), "test")
    fresh = (await prepared(engine, 4))[3]
    assert (fresh.lane, fresh.max_tokens) == (Lane.BACKGROUND, 0)
    assert (await engine.detokenize(fresh.prompt)).startswith("<PRE>value_0 = 0\nvalue_2")


async def test_the_beginning_of_a_document_is_read_when_it_is_opened() -> None:
    engine = FakeEngine("")
    CompletionService(engine, Live(PREPARING)).on_focus(document(f"{LONG}║")[0])
    asked = await prepared(engine, 1)
    assert await engine.detokenize(asked[0].prompt) == f"<PRE>{LONG}"
