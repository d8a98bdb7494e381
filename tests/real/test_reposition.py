"""The real model on cells that were moved: it predicts well, and nobody else gets them."""

from contextlib import aclosing
from pathlib import Path

import pytest

from copilotd.completion.service import CompletionService
from copilotd.config import CompletionSection
from copilotd.engine.local.client import EngineClient
from copilotd.engine.types import Finished, GenerateRequest
from copilotd.prompt.fim import fim_prompt, movable
from tests.cursor import accepted, request
from tests.real.conftest import engine_of

pytestmark = pytest.mark.model

ABOVE = '''class Stack:
    """Items, the last of which is the first to go."""

    def __init__(self):
        self.items = []

'''
PUSH = '''    def push(self, item):
        """Put an item on top."""
'''
# What comes next is no near tie, which could flip with the batches a prompt is read in.
MONTHS = """    def months(self):
        return [
            "January",
            "February",
            "March",
"""
BELOW = '''
    def pop(self):
        """Take the item on top away and return it."""
        return self.items.pop()

    def peek(self):
        """The item on top, which stays where it is."""
        return self.items[-1]

    def is_empty(self):
        """Whether there is nothing to take away."""
        return len(self.items) == 0

    def clear(self):
        """Take everything away."""
        self.items = []


def main():
    stack = Stack()
    for number in range(10):
        stack.push(number)
    while not stack.is_empty():
        print(stack.pop())
'''


async def answer(engine: EngineClient, wanted: GenerateRequest) -> tuple[str, int]:
    """What is written, and how many tokens of the prompt were not evaluated."""
    text = ""
    async with aclosing(engine.generate(wanted)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return text, event.usage.cached_tokens
            text += event.text
    raise AssertionError("a generation ends with Finished")


async def prompt(engine: EngineClient, before: str) -> tuple[list[int], tuple[int, int] | None]:
    """A prompt for the cursor behind `before`, and what of it may be moved."""
    info = await engine.info()
    tokens = fim_prompt(info, await engine.tokenize(before), await engine.tokenize(BELOW))
    return tokens, movable(info, tokens)


async def test_a_suggestion_is_right_although_what_follows_it_was_moved(
    engine: EngineClient,
) -> None:
    completions = CompletionService(engine, CompletionSection())
    await completions.complete(request(f"{ABOVE}║{BELOW}"))
    before = engine.stats()
    outcome = await completions.complete(request(f"{ABOVE}{PUSH}        self.║{BELOW}"))
    assert "self.items.append(item)║" in accepted(f"{ABOVE}{PUSH}        self.║{BELOW}", outcome)
    after = engine.stats()
    evaluated = (after.prompt_tokens - before.prompt_tokens) - (
        after.cached_tokens - before.cached_tokens
    )
    assert evaluated < 60 < len(await engine.tokenize(BELOW))


async def test_an_exact_request_for_the_same_tokens_gets_what_a_fresh_engine_writes(
    engine: EngineClient, model_path: Path
) -> None:
    first, second = [await prompt(engine, before) for before in (ABOVE, ABOVE + MONTHS)]
    await answer(engine, GenerateRequest(first[0], 0, movable=first[1]))
    _, spliced = await answer(engine, GenerateRequest(second[0], 12, movable=second[1]))
    assert len(second[0]) - spliced < 40
    exact, cached = await answer(engine, GenerateRequest(second[0], 24))
    assert '"April",' in exact
    assert second[1] is not None and cached == second[1][0] + 3
    fresh = engine_of(model_path)
    assert await answer(fresh, GenerateRequest(second[0], 24)) == (exact, 0)
    await fresh.close()


async def test_quantised_cells_are_not_moved(model_path: Path) -> None:
    engine = engine_of(model_path, kv_type="q8_0")
    first, second = [await prompt(engine, before) for before in (ABOVE, ABOVE + PUSH)]
    assert second[1] is None
    await answer(engine, GenerateRequest(first[0], 0))
    start = second[0].index((await engine.info()).fim.suffix or 0) + 1
    text, cached = await answer(
        engine, GenerateRequest(second[0], 12, movable=(start, start + 200))
    )
    assert text and cached < start
    await engine.close()
