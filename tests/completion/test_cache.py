"""Text typed along a suggestion is served from the cache."""

import pytest

from copilotd.completion.cache import CompletionCache
from copilotd.completion.types import Completion, Explanation
from tests.cursor import apply_completion, parse_document


def create_cache(marked: str, text: str, overwrites: int = 0) -> CompletionCache:
    cache = CompletionCache(10)
    shown, offset = parse_document(marked)
    cache.add(shown, Completion("id", text, offset, offset + overwrites), Explanation(raw=text))
    return cache


def find_rest(cache: CompletionCache, marked: str) -> Completion | None:
    hit = cache.find(*parse_document(marked))
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
    cache = create_cache("x = ║\n", "foo(a, b)")
    assert apply_completion(typed, find_rest(cache, typed)) == result


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
def test_a_suggestion_that_no_longer_fits_is_not_found(typed: str) -> None:
    assert create_cache("x = ║\n", "foo(a, b)").find(*parse_document(typed)) is None


def test_a_suggestion_is_not_found_for_another_document() -> None:
    cache = create_cache("x = ║\n", "foo")
    assert cache.find(*parse_document("x = ║\n", uri="file:///w/b.py")) is None


def test_a_suggestion_keeps_what_it_overwrites() -> None:
    cache = create_cache("f(║)", "a)", overwrites=1)
    assert apply_completion("f(a║)", find_rest(cache, "f(a║)")) == "f(a)║"


def test_the_newest_of_two_suggestions_wins() -> None:
    cache = create_cache("a║", "bcd")
    shown, offset = parse_document("a║")
    cache.add(shown, Completion("newer", "bxy", offset, offset), Explanation())
    assert find_rest(cache, "ab║") == Completion("newer", "xy", 2, 2)


def test_the_cache_keeps_no_more_suggestions_than_its_capacity() -> None:
    cache = CompletionCache(2)
    for name in "abc":
        shown, offset = parse_document("║", uri=name)
        cache.add(shown, Completion(name, "text", offset, offset), Explanation())
    found = [cache.find(*parse_document("║", uri=name)) is not None for name in "abc"]
    assert found == [False, True, True]


def test_a_suggestion_keeps_its_explanation() -> None:
    hit = create_cache("x = ║\n", "foo").find(*parse_document("x = f║\n"))
    assert hit is not None and hit.explanation == Explanation(raw="foo")
