import logging

import pytest

from copilotd.documents import Document
from copilotd.postprocess import pipeline
from copilotd.postprocess.context import Candidate, CursorContext, FilterStep, Mode
from copilotd.postprocess.pipeline import apply_final_filters, truncate_at


def build_context(marked: str, mode: Mode = Mode.BLOCK, language: str = "python") -> CursorContext:
    document = Document("file:///a", marked.replace("║", ""), language)
    return CursorContext(document, marked.index("║"), mode, max_lines=8)


def raise_in_stop(context: CursorContext, text: str) -> int | None:
    raise ZeroDivisionError


def raise_in_filter(context: CursorContext, candidate: Candidate) -> Candidate:
    raise ZeroDivisionError


def test_generation_goes_on_while_no_filter_ends_it() -> None:
    assert truncate_at(build_context("def f():\n    ║"), "return 1\n") is None


def test_truncation_names_the_filter_and_the_length_to_keep() -> None:
    assert truncate_at(build_context("def f():\n    ║"), "return 1\nx") == (
        "scope",
        len("return 1"),
    )


def test_the_shortest_length_of_several_filters_wins() -> None:
    context = build_context("x = ║", Mode.LINE)
    assert truncate_at(context, "1<|endoftext|>\ny = 2") == ("special tokens", 1)


def test_the_length_to_keep_includes_an_opening_fence() -> None:
    text = "```python\nreturn 1\n```"
    assert truncate_at(build_context("def f():\n    ║"), text) == (
        "scope",
        len("```python\nreturn 1"),
    )


def test_no_filter_acts_while_a_fence_may_still_open() -> None:
    assert truncate_at(build_context("x = ║", Mode.LINE), "```python\n") is None


def test_each_step_shows_the_text_before_and_after() -> None:
    candidate, steps = apply_final_filters(
        build_context("print(║)", Mode.LINE), Candidate('"a")\x00 \n')
    )
    assert candidate == Candidate('"a")', overwrites=1)
    assert steps == (
        FilterStep("control characters", '"a")\x00 \n', '"a") \n'),
        FilterStep("one line", '"a") \n', '"a") '),
        FilterStep("trailing space", '"a") ', '"a")'),
        FilterStep("auto-closed", '"a")', '"a")'),
    )


def test_a_text_that_was_not_streamed_is_truncated_in_the_same_way() -> None:
    context = build_context("def f():\n    ║\n\nprint(f())")
    candidate, steps = apply_final_filters(
        context, Candidate("return 1\n\n\ndef g():\n    return 2")
    )
    assert candidate == Candidate("return 1")
    assert [step.name for step in steps] == ["scope", "trailing space"]


def test_no_filter_runs_after_one_that_leaves_no_text() -> None:
    candidate, steps = apply_final_filters(build_context("║"), Candidate("\x00"))
    assert candidate == Candidate("")
    assert [step.name for step in steps] == ["control characters"]


def test_a_dropped_suggestion_overwrites_nothing() -> None:
    candidate, _ = apply_final_filters(build_context("print(x║)", Mode.LINE), Candidate(")"))
    assert candidate == Candidate("")


def test_a_final_filter_that_fails_is_logged_and_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "FINAL", (("broken", raise_in_filter), *pipeline.FINAL))
    with caplog.at_level(logging.ERROR):
        candidate, steps = apply_final_filters(build_context("x = ║", Mode.LINE), Candidate("1 "))
    assert candidate == Candidate("1")
    assert [step.name for step in steps] == ["trailing space"]
    assert caplog.messages == ["the filter 'broken' failed"]


def test_a_streaming_filter_that_fails_is_logged_and_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "STREAMING", (("broken", raise_in_stop), *pipeline.STREAMING))
    with caplog.at_level(logging.ERROR):
        stopped = truncate_at(build_context("x = ║", Mode.LINE), "1\n")
    assert stopped == ("one line", 1)
    assert caplog.messages == ["the filter 'broken' failed"]


def test_a_failure_does_not_log_code(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "FINAL", (("broken", raise_in_filter),))
    apply_final_filters(build_context("secret_before = ║", Mode.LINE), Candidate("secret_text"))
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
