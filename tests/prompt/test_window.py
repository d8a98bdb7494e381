"""The window around the cursor: within its budget, cut at lines, moving in steps."""

from copilotd.prompt.window import trim_prefix, trim_suffix, window
from copilotd.types import Document


def lines(count: int) -> str:
    return "".join(f"line {i:04d} of the file\n" for i in range(count))


def test_a_small_document_is_shown_whole() -> None:
    part = window(Document("u", "one\ntwo\n"), 4, 100, 100)
    assert (part.before, part.after) == ("one\n", "two\n")


def test_a_long_document_is_cut_at_line_starts_and_ends() -> None:
    text = lines(1000)
    part = window(Document("u", text), 500 * 22, 100, 50)
    assert part.before.startswith("line ") and part.after.endswith("file\n")
    assert 300 <= len(part.before) <= 500 and 200 <= len(part.after) <= 250


def test_typing_leaves_the_start_of_the_window_where_it_is() -> None:
    text, at = lines(1000), 500 * 22
    starts = set()
    for typed in range(60):
        grown = text[:at] + "x" * typed + text[at:]
        starts.add(at + typed - len(window(Document("u", grown), at + typed, 100, 50).before))
    assert len(starts) <= 2


def test_tokens_are_cut_in_steps_of_a_quarter() -> None:
    kept = [len(trim_prefix(list(range(n)), 100)) for n in (100, 101, 125, 126, 150)]
    assert kept == [100, 76, 100, 76, 100]


def test_the_last_tokens_before_and_the_first_after_the_cursor_are_kept() -> None:
    assert trim_prefix(list(range(8)), 4) == [4, 5, 6, 7]
    assert trim_suffix(list(range(8)), 4) == [0, 1, 2, 3]


def test_a_suffix_without_line_ends_is_cut_all_the_same() -> None:
    assert len(window(Document("u", "x" * 1000), 0, 10, 10).after) == 50
