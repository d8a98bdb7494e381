"""Text typed along a suggestion is served from the cache."""

import pytest

from copilotd.completion.cache import CompletionCache
from copilotd.completion.types import Completion, Explanation
from tests.cursor import applied, document


def remembered(marked: str, text: str, overwrites: int = 0) -> CompletionCache:
    cache = CompletionCache(10)
    shown, offset = document(marked)
    cache.add(shown, Completion("id", text, offset, offset + overwrites), Explanation(raw=text))
    return cache


def rest(cache: CompletionCache, marked: str) -> Completion | None:
    hit = cache.find(*document(marked))
    return hit.completion if hit else None


@pytest.mark.parametrize(
    ("typed", "result"),
    [
        ("x = ║\n", "x = foo(a, b)║\n"),
        ("x = f║\n", "x = foo(a, b)║\n"),
        ("x = foo(a, ║\n", "x = foo(a, b)║\n"),
        ("x = foo(║)\n", "x = foo(a, b)║\n"),
        ("x = foo(a, b║)\n", "x = foo(a, b)║\n"),
    ],
    ids=["untouched", "one letter", "several", "auto-closed", "auto-closed and typed on"],
)
def test_the_rest_of_a_suggestion_is_found_while_it_is_typed(typed: str, result: str) -> None:
    cache = remembered("x = ║\n", "foo(a, b)")
    assert applied(typed, rest(cache, typed)) == result


@pytest.mark.parametrize(
    "typed",
    [
        "x = g║\n",
        "x = foo(a, b)║\n",
        "x =║\n",
        "y = f║\n",
        "x = f║ + 1\n",
        "x = foo(║]\n",
    ],
    ids=["other text", "all of it", "deleted", "changed before", "changed after", "other closer"],
)
def test_a_suggestion_that_does_not_fit_any_more_is_not_found(typed: str) -> None:
    assert remembered("x = ║\n", "foo(a, b)").find(*document(typed)) is None


def test_a_suggestion_belongs_to_its_document() -> None:
    cache = remembered("x = ║\n", "foo")
    assert cache.find(*document("x = ║\n", uri="file:///w/b.py")) is None


def test_a_suggestion_keeps_what_it_overwrites() -> None:
    cache = remembered("f(║)", "a)", overwrites=1)
    assert applied("f(a║)", rest(cache, "f(a║)")) == "f(a)║"


def test_the_newest_of_two_suggestions_wins() -> None:
    cache = remembered("a║", "bcd")
    shown, offset = document("a║")
    cache.add(shown, Completion("newer", "bxy", offset, offset), Explanation())
    assert rest(cache, "ab║") == Completion("newer", "xy", 2, 2)


def test_only_as_many_as_the_capacity_are_kept() -> None:
    cache = CompletionCache(2)
    for name in "abc":
        shown, offset = document("║", uri=name)
        cache.add(shown, Completion(name, "text", offset, offset), Explanation())
    found = [cache.find(*document("║", uri=name)) is not None for name in "abc"]
    assert found == [False, True, True]


def test_how_a_suggestion_came_about_is_kept_with_it() -> None:
    hit = remembered("x = ║\n", "foo").find(*document("x = f║\n"))
    assert hit is not None and hit.explanation == Explanation(raw="foo")
