"""The text at the cursor decides whether a completion has one line or several."""

from dataclasses import replace

import pytest

from copilotd.completion.mode import choose_mode
from copilotd.postprocess.context import Mode
from tests.cursor import parse_document


@pytest.mark.parametrize(
    ("marked", "mode"),
    [
        ("x = ║", Mode.LINE),
        ("x = f(║)", Mode.LINE),
        ("x = ║ + 1", Mode.LINE),
        ("if x:║", Mode.BLOCK),
        ("    ║\n", Mode.BLOCK),
        ("║", Mode.BLOCK),
        ("def add(║", Mode.BLOCK),
        ("def add(║)", Mode.BLOCK),
        ("async function load(║) {\n}", Mode.LINE),
        ("pub fn area(&self) -> f64 {║\r\n}", Mode.BLOCK),
        ("    return items║", Mode.LINE),
        ("# sort the items║", Mode.LINE),
        ("const handler = (event) => {║});", Mode.BLOCK),
        ("typed = ║", Mode.LINE),
        ("end of a sentence║", Mode.LINE),
        ("def f():\r    ║\rx = 1\r", Mode.BLOCK),
        ("if x:║\r    y = 1\r", Mode.BLOCK),
    ],
)
def test_the_mode_follows_from_the_line(marked: str, mode: Mode) -> None:
    assert choose_mode(*parse_document(marked)) is mode


@pytest.mark.parametrize(
    ("marked", "mode"),
    [
        ("# Title\n\n║\n", Mode.LINE),
        ("```python\n║\n```\n", Mode.BLOCK),
        ("```python\nif x:║\n```\n", Mode.BLOCK),
        ("```\na\n```\n║\n", Mode.LINE),
        ("~~~sh\n║\n~~~\n", Mode.BLOCK),
    ],
)
def test_prose_gets_one_line_and_code_between_fences_gets_blocks(marked: str, mode: Mode) -> None:
    document, offset = parse_document(marked)
    assert choose_mode(replace(document, language="markdown"), offset) is mode
