"""The window around the cursor: within its budget, cut at lines, moving in steps."""

from copilotd.documents import Document
from copilotd.prompt.window import window


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
