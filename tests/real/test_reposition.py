"""The real model predicts well from repositioned cells, and exact requests never get them."""

from contextlib import aclosing
from pathlib import Path

import pytest

from copilotd.completion.service import CompletionService
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.local.client import EngineClient
from copilotd.engine.types import Finished, GenerateRequest
from copilotd.prompt.fim import build_fim_prompt, find_repositionable
from tests.cursor import accept_outcome, build_request
from tests.real.conftest import create_engine

pytestmark = pytest.mark.model

ABOVE = '''class Stack:
    """Items, the last of which is the first to go."""

    def __init__(self):
        self.items = []

'''
PUSH = '''    def push(self, item):
        """Put an item on top."""
'''
# The next token is no near tie, which could flip with the batch sizes of the prompt.
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


async def generate(engine: EngineClient, generation: GenerateRequest) -> tuple[str, int]:
    """Return the generated text, and how many tokens of the prompt were not evaluated."""
    text = ""
    async with aclosing(engine.generate(generation)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return text, event.usage.cached_tokens
            text += event.text
    raise AssertionError("a generation ends with Finished")


async def make_prompt(
    engine: EngineClient, before: str
) -> tuple[list[int], tuple[int, int] | None]:
    """Make a prompt for the cursor after `before`; return it with its repositionable range."""
    info = await engine.info()
    tokens = build_fim_prompt(info, await engine.tokenize(before), await engine.tokenize(BELOW))
    return tokens, find_repositionable(info, tokens)


async def test_a_suggestion_is_right_although_the_text_after_it_was_repositioned(
    engine: EngineClient,
) -> None:
    completions = CompletionService(engine, Live(CompletionSection()))
    await completions.complete(build_request(f"{ABOVE}║{BELOW}"))
    before = engine.stats()
    outcome = await completions.complete(build_request(f"{ABOVE}{PUSH}        self.║{BELOW}"))
    assert "self.items.append(item)║" in accept_outcome(
        f"{ABOVE}{PUSH}        self.║{BELOW}", outcome
    )
    after = engine.stats()
    evaluated = (after.prompt_tokens - before.prompt_tokens) - (
        after.cached_tokens - before.cached_tokens
    )
    assert evaluated < 60 < len(await engine.tokenize(BELOW))


async def test_an_exact_request_for_the_same_tokens_gets_the_output_of_a_fresh_engine(
    engine: EngineClient, model_path: Path
) -> None:
    first, second = [await make_prompt(engine, before) for before in (ABOVE, ABOVE + MONTHS)]
    await generate(engine, GenerateRequest(first[0], 0, repositionable=first[1]))
    _, cached_after_move = await generate(
        engine, GenerateRequest(second[0], 12, repositionable=second[1])
    )
    assert len(second[0]) - cached_after_move < 40
    exact, cached = await generate(engine, GenerateRequest(second[0], 24))
    assert '"April",' in exact
    assert second[1] is not None and cached == second[1][0] + 3
    fresh = create_engine(model_path)
    assert await generate(fresh, GenerateRequest(second[0], 24)) == (exact, 0)
    await fresh.close()


async def test_quantised_cells_are_not_repositioned(model_path: Path) -> None:
    engine = create_engine(model_path, kv_type="q8_0")
    first, second = [await make_prompt(engine, before) for before in (ABOVE, ABOVE + PUSH)]
    assert second[1] is None
    await generate(engine, GenerateRequest(first[0], 0))
    start = second[0].index((await engine.info()).fim.suffix or 0) + 1
    text, cached = await generate(
        engine, GenerateRequest(second[0], 12, repositionable=(start, start + 200))
    )
    assert text and cached < start
    await engine.close()
