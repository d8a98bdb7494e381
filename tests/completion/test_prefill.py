"""What is still to be read of a prompt, and what may be taken from elsewhere."""

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


def at(line: int) -> int:
    return len("".join(LINES[:line]))


async def prompts(engine: FakeEngine, first: int, then: int) -> list[str]:
    """What is read: in a pause with the cursor on one line, and at once on another."""
    store = PromptStore(engine)
    document = Document("file:///a.py", TEXT)
    await store.refresh(Cursor(document, at(first)), BUDGET)
    await store.prompt_for(Cursor(document, at(then)), BUDGET, Lane.COMPLETION)
    return [await engine.detokenize(request.prompt) for request in engine.requests]


async def test_the_text_behind_the_cursor_may_be_moved() -> None:
    engine = FakeEngine()
    await prompts(engine, 20, 20)
    (request,) = engine.requests
    assert request.repositionable is not None
    start, end = request.repositionable
    assert await engine.detokenize(request.prompt[start - 1 : start]) == "<SUF>"
    assert await engine.detokenize(request.prompt[end:]) == f"<MID>{LINES[18]}{LINES[19]}"


async def test_a_prompt_whose_end_moved_only_is_read_whole_in_time() -> None:
    """With the cursor two lines on, two lines are new on either side; the rest has moved."""
    whole, moved = await prompts(FakeEngine(), 20, 22)
    assert len(moved) > len(whole)


async def test_where_cells_cannot_be_moved_it_is_a_brief_one_instead() -> None:
    engine = FakeEngine(info=msgspec.structs.replace(FAKE_MODEL, can_shift=False))
    whole, brief = await prompts(engine, 20, 22)
    assert len(brief) < len(whole)
    assert all(request.repositionable is None for request in engine.requests)


async def test_a_model_that_reads_the_suffix_first_moves_nothing() -> None:
    engine = FakeEngine(
        info=msgspec.structs.replace(FAKE_MODEL, layout=FimLayout(suffix_first=True))
    )
    await prompts(engine, 20, 20)
    assert engine.requests[0].repositionable is None
