"""With the real model: reading ahead makes a new place in a document as good as an old one."""

import inspect
import random

import pytest

from copilotd.completion.prompt_store import PromptStore
from copilotd.documents import Document
from copilotd.engine.local.client import EngineClient
from copilotd.engine.types import GenerateRequest, Lane
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor

pytestmark = pytest.mark.model

BUDGET = Budget(160, 48, 16, 0, 0, 64)
TEXT = inspect.getsource(random)[:4000]
DOCUMENT = Document("file:///random.py", TEXT, "python", path="random.py")


async def evaluate(engine: EngineClient, prompts: PromptStore, offset: int) -> tuple[int, int]:
    """Return the tokens of the prompt at `offset` without its suffix, and how many were cached."""
    cursor = Cursor(DOCUMENT, offset)
    before = engine.stats().prompt_tokens, engine.stats().cached_tokens
    placed = await prompts.prompt_for(cursor, BUDGET, Lane.COMPLETION)
    request = GenerateRequest(
        list(placed.prompt.tokens), 1, tail=placed.match.tail, lane=Lane.COMPLETION
    )
    async for _ in engine.generate(request):
        pass
    after = engine.stats().prompt_tokens, engine.stats().cached_tokens
    assert after[0] > before[0]
    return len(placed.prompt.tokens) - placed.prompt.n_suffix, placed.uncached_tokens


async def test_after_reading_ahead_every_place_has_a_long_prefix_that_costs_nothing(
    engine: EngineClient,
) -> None:
    prompts = PromptStore(engine)
    await prompts.read_ahead(DOCUMENT, 0, BUDGET)
    for line_start in (TEXT.index("\n", at) + 1 for at in (3700, 900, 2500)):
        n_prefix, n_uncached = await evaluate(engine, prompts, line_start)
        assert n_prefix > BUDGET.cold_prompt_tokens
        assert n_uncached <= BUDGET.cold_prompt_tokens


async def test_reading_ahead_does_not_cost_the_active_place_its_cells(engine: EngineClient) -> None:
    prompts = PromptStore(engine)
    offset = TEXT.index("\n", 2000) + 1
    await prompts.refresh(Cursor(DOCUMENT, offset), BUDGET)
    placed = await prompts.prompt_for(Cursor(DOCUMENT, offset), BUDGET, Lane.COMPLETION)
    await prompts.read_ahead(DOCUMENT, offset, BUDGET)
    tokens = list(placed.prompt.tokens)
    assert await engine.cached_prefix_length(tokens) >= len(tokens) - 1
