"""A dismissed suggestion stays away until the text at its place changes."""

import pytest

from copilotd.completion.service import CompletionService
from copilotd.completion.types import Outcome, Shown, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.fake import FakeEngine
from tests.cursor import build_request, get_completion, parse_document

SETTINGS = CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=False)


@pytest.fixture
def completions() -> CompletionService:
    return CompletionService(FakeEngine("total(1)"), Live(SETTINGS))


async def ask(
    completions: CompletionService, marked: str, trigger: Trigger = Trigger.AUTOMATIC
) -> Outcome:
    completions.on_change(*parse_document(marked), "test")
    return await completions.complete(build_request(marked, trigger))


async def test_a_dismissed_suggestion_is_not_offered_again(completions: CompletionService) -> None:
    first = await ask(completions, "x = ║\ny = 2\n")
    completions.reject(get_completion(first).id)
    again = await ask(completions, "x = ║\ny = 2\n")
    assert (again.status, again.reason) == (
        Status.EMPTY,
        "you dismissed this suggestion; it may return when the text here changes",
    )


async def test_a_dismissed_suggestion_returns_after_a_change(
    completions: CompletionService,
) -> None:
    first = await ask(completions, "x = ║\ny = 2\n")
    completions.reject(get_completion(first).id)
    assert isinstance(await ask(completions, "x = t║\ny = 2\n"), Shown)
    assert isinstance(await ask(completions, "x = ║\ny = 2\n"), Shown)


async def test_a_change_elsewhere_does_not_bring_it_back(completions: CompletionService) -> None:
    far = "value = 1\n" * 40
    first = await ask(completions, f"{far}x = ║\n{far}")
    completions.reject(get_completion(first).id)
    await ask(completions, f"new = ║\n{far}x = \n{far}")
    assert not isinstance(await ask(completions, f"new = 1\n{far}x = ║\n{far}"), Shown)


async def test_a_user_who_asks_gets_it_back(completions: CompletionService) -> None:
    first = await ask(completions, "x = ║\n")
    completions.reject(get_completion(first).id)
    assert isinstance(await ask(completions, "x = ║\n", Trigger.INVOKED), Shown)


async def test_another_place_is_not_affected(completions: CompletionService) -> None:
    first = await ask(completions, "x = ║\ny = 2\n")
    completions.reject(get_completion(first).id)
    assert isinstance(await ask(completions, "x = \ny = ║2\n".replace("2", "")), Shown)


async def test_an_undone_acceptance_is_not_offered_again_at_once(
    completions: CompletionService,
) -> None:
    first = await ask(completions, "x = ║\n")
    completions.accept(get_completion(first).id)
    completions.on_change(*parse_document("x = total(1)║\n"), "test")
    assert not isinstance(await ask(completions, "x = ║\n"), Shown)
    assert isinstance(await ask(completions, "x = t║\n"), Shown)


async def test_an_unknown_id_is_ignored(completions: CompletionService) -> None:
    completions.reject("unknown")
    assert isinstance(await ask(completions, "x = ║\n"), Shown)
