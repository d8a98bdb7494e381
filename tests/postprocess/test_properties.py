"""Properties of the pipeline that hold for each document and each text of the model."""

from hypothesis import given, settings
from hypothesis import strategies as st

from copilotd.documents import Document
from copilotd.postprocess.context import Candidate, CursorContext, Mode
from copilotd.postprocess.filters.auto_closed import is_only_punctuation
from copilotd.postprocess.pipeline import FINAL, STREAMING, apply_final_filters, truncate_at

FRAGMENTS = (
    *("x", "foo", "def f", "return ", "if ", "else", "end", "class A", "=", "+ 1", ", ", " ", "  "),
    *("(", ")", "[", "]", "{", "}", ":", ";", '"', "'", "`", '"""', "//", "#", "/*", "*/", "--"),
    *("\n", "\r\n", "\n    ", "\n\t", "\n}", "```", "```py\n", "<|endoftext|>", "</li>", "<a>"),
    *("Here is the code:\n", "\n\nThis code adds.\n", "\x00", "\u00e9", "\u5927", "\U0001f388"),
)
LANGUAGES = ("", "c", "go", "html", "javascript", "lua", "markdown", "python", "ruby", "yaml")

# Text that looks like code finds more errors than random characters. A few are mixed in.
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=24).map("".join)
MARKS = ("x", "foo", "return", "=", "+ 1", ", ", ".", " ", "(", ")", "[", "]", ":", '"')
CODE = st.lists(st.sampled_from(MARKS), max_size=12).map("".join)
LINES = TEXTS.map(lambda text: text.replace("\n", " "))


@st.composite
def contexts(draw: st.DrawFn) -> CursorContext:
    before, after = draw(TEXTS), draw(TEXTS)
    document = Document("file:///a", before + after, draw(st.sampled_from(LANGUAGES)))
    mode, lines = draw(st.sampled_from(Mode)), draw(st.integers(1, 8))
    return CursorContext(document, len(before), mode, lines)


many = settings(max_examples=300, deadline=None, database=None)


@many
@given(contexts(), TEXTS)
def test_no_streaming_filter_raises_or_keeps_more_text_than_it_gets(
    context: CursorContext, text: str
) -> None:
    for _, stop in STREAMING:
        keep = stop(context, text)
        assert keep is None or 0 <= keep <= len(text)


@many
@given(contexts(), TEXTS, st.booleans())
def test_no_final_filter_raises(context: CursorContext, text: str, unfinished: bool) -> None:
    candidate = Candidate(text, unfinished=unfinished)
    for _, apply in FINAL:
        if candidate.text:
            candidate = apply(context.innermost, candidate)
    assert (
        apply_final_filters(context, Candidate(text, unfinished=unfinished))[0].text
        == candidate.text
    )


@many
@given(contexts(), TEXTS)
def test_a_suggestion_overwrites_nothing_beyond_the_line(context: CursorContext, text: str) -> None:
    candidate, _ = apply_final_filters(context, Candidate(text))
    assert 0 <= candidate.overwrites <= len(context.line_after)


@many
@given(contexts())
def test_an_empty_text_stays_empty(context: CursorContext) -> None:
    assert apply_final_filters(context, Candidate("")) == (Candidate(""), ())


@many
@given(contexts(), TEXTS)
def test_a_suggestion_is_never_only_white_space(context: CursorContext, text: str) -> None:
    candidate, _ = apply_final_filters(context, Candidate(text))
    assert candidate == Candidate("") or candidate.text.strip()


@many
@given(contexts(), TEXTS)
def test_a_suggestion_has_no_character_that_editors_reject(
    context: CursorContext, text: str
) -> None:
    candidate, _ = apply_final_filters(context, Candidate(text))
    assert "\x00" not in candidate.text
    candidate.text.encode("utf-8")


@many
@given(contexts(), TEXTS)
def test_streamed_text_is_truncated_within_its_length(context: CursorContext, text: str) -> None:
    for length in range(len(text) + 1):
        if stopped := truncate_at(context, text[:length]):
            assert 0 <= stopped[1] <= length
            return


@many
@given(LINES, LINES)
def test_a_suggestion_in_the_middle_of_a_line_has_one_line(before: str, text: str) -> None:
    document = Document("file:///a", before + "+ 1", "python")
    candidate, _ = apply_final_filters(
        CursorContext(document, len(before), Mode.LINE, 8), Candidate(text + "\nmore")
    )
    assert "\n" not in candidate.text


@many
@given(contexts(), TEXTS)
def test_filtering_a_suggestion_again_never_makes_it_longer(
    context: CursorContext, text: str
) -> None:
    once, _ = apply_final_filters(context, Candidate(text))
    again, _ = apply_final_filters(context, Candidate(once.text))
    assert len(again.text) <= len(once.text)


@many
@given(contexts(), TEXTS)
def test_code_before_and_after_the_cursor_is_in_the_result_once(
    context: CursorContext, text: str
) -> None:
    candidate, _ = apply_final_filters(context, Candidate(text))
    replaced = context.line_after[: candidate.overwrites]
    if candidate.text and context.line_after.strip():
        # Whatever is replaced is in the text, in the same order.
        characters = iter(candidate.text)
        assert all(character in characters for character in replaced if not character.isspace())
        assert "\n" not in candidate.text or is_only_punctuation(context.line_after)


@many
@given(CODE, CODE)
def test_a_text_that_only_repeats_the_rest_of_the_line_is_not_shown(before: str, rest: str) -> None:
    document = Document("file:///a", before + rest, "python")
    context = CursorContext(document, len(before), Mode.LINE, 8)
    candidate, _ = apply_final_filters(context, Candidate(rest))
    if any(character.isalnum() for character in rest):
        assert candidate.text == ""
