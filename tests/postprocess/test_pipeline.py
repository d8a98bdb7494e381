import logging

import pytest

from copilotd.documents import Document
from copilotd.postprocess import pipeline
from copilotd.postprocess.context import Candidate, CursorContext, FilterStep, Mode
from copilotd.postprocess.pipeline import apply_final_filters, truncate_at


def scene_at(marked: str, mode: Mode = Mode.BLOCK, language: str = "python") -> CursorContext:
    document = Document("file:///a", marked.replace("║", ""), language)
    return CursorContext(document, marked.index("║"), mode, max_lines=8)


def broken_stop(context: CursorContext, text: str) -> int | None:
    raise ZeroDivisionError


def broken_filter(context: CursorContext, candidate: Candidate) -> Candidate:
    raise ZeroDivisionError


def test_generation_goes_on_while_no_filter_has_seen_enough() -> None:
    assert truncate_at(scene_at("def f():\n    ║"), "return 1\n") is None


def test_the_filter_that_ends_generation_is_named_with_the_length_to_keep() -> None:
    assert truncate_at(scene_at("def f():\n    ║"), "return 1\nx") == ("scope", len("return 1"))


def test_the_shortest_of_several_lengths_wins() -> None:
    context = scene_at("x = ║", Mode.LINE)
    assert truncate_at(context, "1<|endoftext|>\ny = 2") == ("special tokens", 1)


def test_lengths_count_from_before_an_opening_fence() -> None:
    text = "```python\nreturn 1\n```"
    assert truncate_at(scene_at("def f():\n    ║"), text) == ("scope", len("```python\nreturn 1"))


def test_nothing_is_decided_while_a_fence_may_still_open() -> None:
    assert truncate_at(scene_at("x = ║", Mode.LINE), "```python\n") is None


def test_each_step_shows_the_text_before_and_after() -> None:
    candidate, steps = apply_final_filters(
        scene_at("print(║)", Mode.LINE), Candidate('"a")\x00 \n')
    )
    assert candidate == Candidate('"a")', overwrites=1)
    assert steps == (
        FilterStep("control characters", '"a")\x00 \n', '"a") \n'),
        FilterStep("one line", '"a") \n', '"a") '),
        FilterStep("trailing space", '"a") ', '"a")'),
        FilterStep("auto-closed", '"a")', '"a")'),
    )


def test_an_uncut_text_is_cut_as_if_it_had_been_streamed() -> None:
    context = scene_at("def f():\n    ║\n\nprint(f())")
    candidate, steps = apply_final_filters(
        context, Candidate("return 1\n\n\ndef g():\n    return 2")
    )
    assert candidate == Candidate("return 1")
    assert [step.name for step in steps] == ["scope", "trailing space"]


def test_no_filter_runs_after_one_that_leaves_nothing() -> None:
    candidate, steps = apply_final_filters(scene_at("║"), Candidate("\x00"))
    assert candidate == Candidate("")
    assert [step.name for step in steps] == ["control characters"]


def test_a_suggestion_that_is_dropped_overwrites_nothing() -> None:
    candidate, _ = apply_final_filters(scene_at("print(x║)", Mode.LINE), Candidate(")"))
    assert candidate == Candidate("")


def test_a_final_filter_that_fails_is_logged_and_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "FINAL", (("broken", broken_filter), *pipeline.FINAL))
    with caplog.at_level(logging.ERROR):
        candidate, steps = apply_final_filters(scene_at("x = ║", Mode.LINE), Candidate("1 "))
    assert candidate == Candidate("1")
    assert [step.name for step in steps] == ["trailing space"]
    assert caplog.messages == ["the filter 'broken' failed"]


def test_a_streaming_filter_that_fails_is_logged_and_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "STREAMING", (("broken", broken_stop), *pipeline.STREAMING))
    with caplog.at_level(logging.ERROR):
        stopped = truncate_at(scene_at("x = ║", Mode.LINE), "1\n")
    assert stopped == ("one line", 1)
    assert caplog.messages == ["the filter 'broken' failed"]


def test_a_failure_does_not_log_code(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "FINAL", (("broken", broken_filter),))
    apply_final_filters(scene_at("secret_before = ║", Mode.LINE), Candidate("secret_text"))
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
