"""Each golden case is streamed character by character through the whole pipeline."""

from collections import Counter

import pytest

from copilotd.postprocess.pipeline import FINAL
from tests.postprocess.golden_cases import NOTHING, Case, read_cases, run

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.filter}: {case.name}")
def test_the_pipeline_gives_the_expected_document(case: Case) -> None:
    result = run(case)
    expected = NOTHING if case.expected == NOTHING else case.expected_document
    assert (result.document, result.filters) == (expected, case.expected_filters)


def test_every_filter_has_at_least_six_cases() -> None:
    counts = Counter(case.filter for case in CASES)
    assert {name: counts[name] for name, _ in FINAL if counts[name] < 6} == {}


def test_every_filter_has_cases_where_it_acts_and_cases_where_no_filter_acts() -> None:
    acts = {case.filter for case in CASES if case.filter in case.expected_filters}
    idle = {case.filter for case in CASES if not case.expected_filters}
    assert {name for name, _ in FINAL} - acts == set()
    assert {name for name, _ in FINAL} - idle == set()


def test_no_two_cases_have_the_same_name() -> None:
    counts = Counter((case.filter, case.name) for case in CASES)
    assert [name for name, count in counts.items() if count > 1] == []
