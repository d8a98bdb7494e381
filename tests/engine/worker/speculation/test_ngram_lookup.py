"""The lookup finds what followed the same tokens earlier, in this text and in finished ones."""

import pytest

from copilotd.engine.worker.speculation.ngram_lookup import LONGEST, Match, NgramLookup


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([1], None),
        ([1, 2, 3, 4], None),
        ([1, 2, 3, 9, 2], None),
        ([1, 2, 3, 4, 5, 9, 1, 2], Match(2, (3, 4, 5))),
        ([1, 2, 3, 7, 7, 2, 4, 9, 9, 1, 2], Match(2, (3, 7, 7))),
        ([5, 1, 2, 3, 3, 3, 6, 1, 2, 4, 4, 4, 5, 1, 2], Match(3, (3, 3, 3))),
        ([1, 2, 3, 3, 3, 1, 2, 4, 4, 4, 9, 1, 2], Match(2, (4, 4, 4))),
    ],
)
def test_the_longest_match_wins_and_of_equal_ones_the_latest(
    tokens: list[int], expected: Match | None
) -> None:
    assert NgramLookup().find(1, tokens, 3) == expected


def test_a_text_that_repeats_itself_up_to_its_end_is_expected_to_go_on_repeating() -> None:
    assert NgramLookup().find(1, [1, 2, 3, 1, 2, 3, 1], 8) == Match(4, (2, 3, 1, 2, 3, 1, 2, 3))


def test_a_match_counts_as_no_longer_than_the_maximum() -> None:
    tokens = list(range(20))
    found = NgramLookup().find(1, [*tokens, 99, *tokens], 1)
    assert found == Match(LONGEST, (99,))


def test_matches_are_found_while_a_text_grows() -> None:
    lookup = NgramLookup()
    text = [1, 2, 3, 4] * 200
    for end in range(6, 800, 7):
        found = lookup.find(1, text[:end], 2)
        assert found is not None and list(found.following) == text[end : end + 2]


def test_a_request_does_not_see_the_unfinished_text_of_another() -> None:
    lookup = NgramLookup()
    lookup.find(1, [1, 2, 3, 4, 5], 3)
    assert lookup.find(2, [8, 1, 2], 3) is None


def test_finished_texts_serve_where_the_current_one_has_no_longer_match() -> None:
    lookup = NgramLookup()
    lookup.remember([4, 1, 2, 3, 9])
    assert lookup.find(1, [7, 1, 2], 5) == Match(2, (3, 9))
    assert lookup.find(2, [1, 2, 6, 4, 1, 2], 2) == Match(3, (3, 9))
    assert lookup.find(3, [1, 2, 6, 7, 1, 2], 2) == Match(2, (6, 7))


def test_a_later_version_of_a_text_replaces_the_earlier_one() -> None:
    lookup = NgramLookup()
    lookup.remember([1, 2, 3, 4, 5, 5])
    lookup.remember([1, 2, 3, 4, 6, 6])
    assert lookup.find(1, [0, 4, 5], 1) is None
    assert lookup.find(1, [0, 4, 5, 3, 4], 1) == Match(2, (6,))


def test_only_the_last_few_texts_are_remembered() -> None:
    lookup = NgramLookup()
    for text in range(9):
        lookup.remember([100 + text, 200 + text, 300 + text])
    found = [lookup.find(i, [100 + i, 200 + i], 1) for i in range(9)]
    assert [match is None for match in found] == [True] + [False] * 8
