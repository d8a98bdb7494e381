"""What counts as right in a replay."""

from typing import Any

import pytest

from benchmarks.recording.player import Work
from benchmarks.recording.scores import Replay, pool, render_comparisons, render_scores
from benchmarks.recording.timeline import Place, RequestRecord, Timeline
from benchmarks.recording.trace import RequestEvent


def show(gold: str | None, behind: str, text: str, overwrites: int = 0) -> RequestRecord:
    """The record of a request whose answer comes in time."""
    timeline = Timeline(lambda: 0.5)
    timeline.add_request(RequestEvent(0.0, 0, 1, 0, deadline=1.0, gold=gold), behind)
    if text:
        timeline.show(1, text, behind[overwrites:])
    return timeline.rows[1]


def replay(side: str, *rows: RequestRecord, **figures: Any) -> Replay:
    return Replay(side, 60.0, [*rows], **figures)


@pytest.mark.parametrize(
    ("gold", "behind", "text", "is_judged", "is_exact"),
    [
        ("return a + b", "", "return a + b", True, True),
        ("return a + b", "", "return a + b\nprint(b)", True, True),
        ("return a + b", "", "return a", True, False),
        ("a, b)", ")", "a, b", True, True),
        ("a, b)", ")", "a, b)", True, False),
        ("return a + b", "", "\nprint(b)", True, False),
        ("", "", "\nprint(b)", False, False),
        ("   ", "", "\nprint(b)", False, False),
        (None, "", "return a", False, False),
        ("return a", "", "", False, False),
        ("return a", "", "  \n", False, False),
    ],
)
def test_a_line_is_exact_only_if_it_is_known_and_not_blank(
    gold: str | None, behind: str, text: str, is_judged: bool, is_exact: bool
) -> None:
    row = show(gold, behind, text)
    assert (row.is_judged, row.is_exact) == (is_judged, is_exact)


@pytest.mark.parametrize(
    ("gold", "behind", "text", "characters"),
    [
        ("return a + b", "", "return a - b", 9),
        ("a, b)", ")", "a, b", 4),
        ("a, b)", ")", "a, b)", 4),
        ("late_total(x)", "late_total(x)", "late_total(x)", 0),
        ("late_total(x)", "late_total(x)", "late", 0),
        ("new, old, last)", "old, last)", "new, ", 5),
        ("new, old, last)", "old, last)", "new, old, last)", 0),
        ("a, a, b)", "a, b)", "a, ", 3),
        (None, "", "return a", 0),
    ],
)
def test_right_characters_leave_out_what_stood_behind_the_cursor(
    gold: str | None, behind: str, text: str, characters: int
) -> None:
    assert show(gold, behind, text).gold_characters == characters


def test_a_text_that_overwrites_the_rest_of_its_line_does_not_repeat_it() -> None:
    row = show("new, old, last)", "old, last)", "new, old, last)", overwrites=10)
    assert not row.repeats
    assert row.is_exact
    assert row.gold_characters == 5


@pytest.mark.parametrize(
    ("behind", "place"),
    [
        ("", Place.LINE_END),
        ("  ", Place.LINE_END),
        (")", Place.CLOSERS),
        ("'));", Place.CLOSERS),
        (" + b", Place.CODE),
        ("_", Place.CODE),
    ],
)
def test_a_place_is_named_by_what_stands_behind_the_cursor(behind: str, place: Place) -> None:
    assert show("x", behind, "x").place is place


def test_the_table_reports_places_apart() -> None:
    rows = [
        show("a, b)", ")", "a, b"),
        show("x + b", " + b", "y"),
        show("return", "", "return"),
        show("", "", "\nprint(b)"),
    ]
    lines = render_scores([replay("copilotd", *rows)]).splitlines()
    assert "| shown with a known line that is not blank later: exact | 2 of 3 = 66.7 % |" in lines
    assert "| shown in front of code on the line: exact | 1: 0 of 1 = 0.0 % |" in lines
    assert (
        "| shown in front of brackets, quotes or signs alone: exact | 1: 1 of 1 = 100.0 % |"
    ) in lines
    assert "| shown at the line's end: exact | 2: 1 of 1 = 100.0 % |" in lines


def test_recordings_are_pooled() -> None:
    row = show("return", "", "return")
    first = replay(
        "copilotd", row, work=(Work(5, 2), Work(1, 1)), cpu_s=3.0, background_cpu_s=1.0, peak_rss=7
    )
    second = replay(
        "copilotd", row, row, work=(Work(1, 1), Work()), cpu_s=2.0, background_cpu_s=1.5, peak_rss=9
    )
    both = pool([first, second])
    assert (both.seconds, len(both.rows)) == (120.0, 3)
    assert both.work == (Work(6, 3), Work(1, 1))
    assert (both.cpu_s, both.background_cpu_s, both.foreground_cpu_s) == (5.0, 2.5, 2.5)
    assert both.peak_rss == 9


def test_a_pool_does_not_make_up_figures_that_a_side_does_not_report() -> None:
    both = pool([replay("recorded"), replay("recorded")])
    assert (both.work, both.cpu_s, both.foreground_cpu_s, both.peak_rss) == (None,) * 4


def test_sides_are_compared_over_the_same_requests() -> None:
    right, wrong = show("return", "", "return"), show("return", "", "pass")
    table = render_comparisons([replay("copilotd", right, right), replay("baseline", right, wrong)])
    assert table.splitlines()[-1].startswith(
        "| baseline | +0.0 points (+0.0 to +0.0) | +50.0 points"
    )
