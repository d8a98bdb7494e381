"""Which part of a prompt still needs a prefill, and which cells may be repositioned."""

import msgspec

from copilotd.completion.prompt_store import PromptStore
from copilotd.documents import Document
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import Lane
from copilotd.models.fim import FimLayout
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor

BUDGET = Budget(400, 150, 16, 0, 0, 200)
LINES = [f"value_{n} = compute_{n * 7 % 13}(first, second)\n" for n in range(40)]
TEXT = "".join(LINES)


def offset_of(line: int) -> int:
    return len("".join(LINES[:line]))


async def prefill_twice(engine: FakeEngine, first: int, then: int) -> list[str]:
    """Prefill in a pause at one line, then at once at another; return the prompts that ran."""
    store = PromptStore(engine)
    document = Document("file:///a.py", TEXT)
    await store.refresh(Cursor(document, offset_of(first)), BUDGET)
    await store.prompt_for(Cursor(document, offset_of(then)), BUDGET, Lane.COMPLETION)
    return [await engine.detokenize(request.prompt) for request in engine.requests]


async def test_the_text_after_the_cursor_may_be_repositioned() -> None:
    engine = FakeEngine()
    await prefill_twice(engine, 20, 20)
    (request,) = engine.requests
    assert request.repositionable is not None
    start, end = request.repositionable
    assert await engine.detokenize(request.prompt[start - 1 : start]) == "<SUF>"
    assert await engine.detokenize(request.prompt[end:]) == f"<MID>{LINES[18]}{LINES[19]}"


async def test_a_prompt_whose_suffix_only_moved_is_prefilled_whole() -> None:
    """With the cursor two lines further down, two lines are new on each side; the rest moved."""
    whole, moved = await prefill_twice(FakeEngine(), 20, 22)
    assert len(moved) > len(whole)


async def test_the_suffix_is_shorter_where_cells_cannot_be_repositioned() -> None:
    engine = FakeEngine(info=msgspec.structs.replace(FAKE_MODEL, can_shift=False))
    whole, brief = await prefill_twice(engine, 20, 22)
    assert brief.startswith(whole.partition("<SUF>")[0])
    assert len(brief.partition("<SUF>")[2]) < len(whole.partition("<SUF>")[2])
    assert all(request.repositionable is None for request in engine.requests)


async def test_no_cells_are_repositioned_for_a_model_that_reads_the_suffix_first() -> None:
    engine = FakeEngine(
        info=msgspec.structs.replace(FAKE_MODEL, layout=FimLayout(suffix_first=True))
    )
    await prefill_twice(engine, 20, 20)
    assert engine.requests[0].repositionable is None
