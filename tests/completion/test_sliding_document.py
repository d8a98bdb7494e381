"""A place keeps its offset while the window that a client sends slides along the file."""

import pytest

from copilotd.completion.sliding_document import SlidingDocuments
from copilotd.documents import Document

FILE = "".join(f"line {n:03d} of the file\n" for n in range(100))
AFTER = "\nthe end\n"


def cut_window(start: int, end: int, uri: str = "copilot:a.py") -> tuple[Document, int]:
    """Return the text from `start` to the cursor at `end`, followed by AFTER, and the offset."""
    return Document(uri, FILE[start:end] + AFTER), end - start


@pytest.mark.parametrize("slide", [0, 1, 22, 300])
def test_a_window_that_slid_forward_is_appended_to_the_earlier_text(slide: int) -> None:
    documents = SlidingDocuments()
    documents.place(*cut_window(0, 1000))
    document, offset = documents.place(*cut_window(slide, 1000 + slide))
    assert (document.text, offset) == (FILE[: 1000 + slide] + AFTER, 1000 + slide)


def test_windows_that_slide_with_each_keystroke_stay_one_document() -> None:
    documents = SlidingDocuments()
    for end in range(1000, 1500):
        document, offset = documents.place(*cut_window(end - 1000, end))
        assert (document.text, offset) == (FILE[:end] + AFTER, end)


def test_a_window_that_slid_back_is_found_in_the_earlier_text() -> None:
    documents = SlidingDocuments()
    documents.place(*cut_window(0, 1000))
    documents.place(*cut_window(400, 1400))
    document, offset = documents.place(*cut_window(200, 1200))
    assert (document.text, offset) == (FILE[:1200] + AFTER, 1200)


def test_a_short_window_is_the_whole_document() -> None:
    documents = SlidingDocuments()
    documents.place(*cut_window(0, 1000))
    document, offset = documents.place(Document("copilot:a.py", "x = 1\n"), 6)
    assert (document.text, offset) == ("x = 1\n", 6)


def test_a_window_elsewhere_in_the_file_starts_a_new_document() -> None:
    documents = SlidingDocuments()
    documents.place(*cut_window(0, 600))
    document, offset = documents.place(*cut_window(1200, 1900))
    assert (document.text, offset) == (FILE[1200:1900] + AFTER, 700)


def test_each_document_has_its_own_text() -> None:
    documents = SlidingDocuments()
    documents.place(*cut_window(0, 1000))
    document, offset = documents.place(*cut_window(300, 1300, "copilot:b.py"))
    assert (document.text, offset) == (FILE[300:1300] + AFTER, 1000)
