"""The line ends of a completion follow those around the cursor."""

import pytest

from copilotd.documents import Document
from copilotd.postprocess.context import Candidate, CursorContext, Mode
from copilotd.postprocess.filters.line_endings import apply


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("a\r\nb\n║\nc\nd\n", "\n"),
        ("a\nb\nc\r\n║\r\nd\n", "\r\n"),
        ("a\r\nb\r\nc\n║\r\n", "\r\n"),
        ("a\nb\nc\r\n║\n", "\n"),
        ("a\r\nb\n║", "\n"),
        ("a\nb\r\n║", "\r\n"),
        ("║\r\nb\n", "\r\n"),
        ("a\rb\r║", "\r"),
        ("a\rb\r║\rc\n", "\r"),
        ("a\r\n║b", "\r\n"),
        ("║", "\n"),
        ("a ║ b", "\n"),
    ],
)
def test_line_ends_are_those_around_the_cursor_or_of_most_lines(
    document: str, expected: str
) -> None:
    offset = document.index("║")
    context = CursorContext(Document("u", document.replace("║", "")), offset, Mode.BLOCK, 8)
    assert apply(context, Candidate("x\ny")).text == f"x{expected}y"


def test_a_code_block_has_the_line_ends_of_its_document() -> None:
    text = "# A\r\n\r\n```py\r\n\r\n```\r\n"
    context = CursorContext(Document("a.md", text, "markdown"), 14, Mode.BLOCK, 8)
    assert context.innermost.document.text == ""
    assert apply(context.innermost, Candidate("x\ny")).text == "x\r\ny"
