"""The interval of a paired comparison."""

import pytest

from benchmarks.intervals import compare_shares, render_comparison


def test_the_difference_is_between_the_shares_of_all_requests_together() -> None:
    compared = compare_shares([(1, 1), (2, 3), (0, 0)], [(0, 1), (1, 3), (0, 0)])
    assert compared is not None
    assert compared[0] == pytest.approx(3 / 4 - 1 / 4)


def test_equal_sides_have_no_difference_and_no_interval() -> None:
    counts = [(1, 1), (0, 1), (1, 1)]
    assert compare_shares(counts, counts) == (0.0, 0.0, 0.0)


def test_the_interval_holds_a_clear_difference_and_is_the_same_in_every_run() -> None:
    ours, theirs = [(1, 1)] * 60 + [(0, 1)] * 40, [(1, 1)] * 20 + [(0, 1)] * 80
    compared = compare_shares(ours, theirs)
    assert compared is not None
    difference, low, high = compared
    assert 0 < low < difference < high < 1
    assert difference == pytest.approx(0.4)
    assert compare_shares(ours, theirs) == compared


def test_pairs_make_the_interval_narrower_than_the_sides_alone() -> None:
    easy, hard = [(1.0, 1.0)] * 50, [(0.0, 1.0)] * 50
    theirs = [*easy, *hard]
    ours = [*easy, *hard[5:], *[(1.0, 1.0)] * 5]
    paired = compare_shares(ours, theirs)
    mixed = compare_shares([*reversed(ours)], theirs)
    assert paired and mixed
    assert paired[2] - paired[1] < mixed[2] - mixed[1]


def test_a_side_without_anything_to_count_is_not_compared() -> None:
    assert compare_shares([(0, 0)], [(1, 1)]) is None
    assert compare_shares([], []) is None
    assert render_comparison([(0, 0)], [(1, 1)]) == "-"


def test_a_comparison_is_written_in_points() -> None:
    assert render_comparison([(1, 1)] * 3, [(0, 1)] * 3) == "+100.0 points (+100.0 to +100.0)"
