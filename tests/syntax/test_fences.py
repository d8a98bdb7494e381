"""The code between two fences of Markdown is found, with its language."""

import pytest

from copilotd.documents import Document
from copilotd.syntax.fences import find_fence, find_fenced_code

TEXT = "# Use\n\n```python\nx = 1\n\n```\nText\n~~~ {.js}\na\n```\n~~~\nEnd\n"


def code_at(text: str, part: str, inside: int = 0) -> tuple[str, str] | None:
    """Return code and language of the block around `part` of `text`."""
    fence = find_fence(text, text.index(part) + inside)
    return (text[fence.start : fence.end], fence.language) if fence else None


@pytest.mark.parametrize("part", ["x = 1", "= 1", "\n\n```\n"])
def test_code_between_fences_is_found_with_its_language(part: str) -> None:
    assert code_at(TEXT, part) == ("x = 1\n", "python")


def test_a_fence_of_another_kind_is_part_of_the_code() -> None:
    assert code_at(TEXT, "a\n```") == ("a\n```", "javascript")


@pytest.mark.parametrize("part", ["# Use", "```python", "python\n", "Text", "~~~ {", "End"])
def test_text_and_fences_are_in_no_block(part: str) -> None:
    assert code_at(TEXT, part) is None


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("sh", "shellscript"),
        (" python title=x", "python"),
        ("{r, echo=FALSE}", "r"),
        ("{.py .numberLines}", "python"),
        ("rust,ignore", "rust"),
        ("c++", "cpp"),
        ("", ""),
    ],
)
def test_the_word_after_the_fence_is_the_language(info: str, language: str) -> None:
    fence = find_fence(f"```{info}\na\n```\n", len(info) + 5)
    assert fence is not None and fence.language == language


def test_an_open_block_ends_with_the_cursors_line() -> None:
    assert code_at("```go\nx\ny\n\nText\n", "x") == ("x", "go")
    assert code_at("```go\nx\ny\n\n```js\nz\n```\n", "y") == ("x\ny", "go")


def test_a_longer_fence_closes_a_shorter_one() -> None:
    assert code_at("````md\n```\na\n```\n````\n", "a") == ("```\na\n```", "markdown")
    assert code_at("```md\na\n`````\nb\n", "b") is None


def test_a_closing_fence_is_in_no_block() -> None:
    assert find_fence("```\na\n```", 9) is None
    assert find_fence("```\na\n```", 6) is None


def test_code_in_a_list_or_quote_is_found() -> None:
    assert code_at("- a\n  ```js\n  f();\n  ```\n", "f()") == ("  f();", "javascript")
    assert code_at("> ```js\n> f();\n> ```\n", "f()") == ("> f();", "javascript")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_with_cr(end: str) -> None:
    text = TEXT.replace("\n", end)
    found = find_fenced_code(Document("file:///a.md", text), text.index("= 1"))
    assert found is not None
    assert (found[0].text, found[0].language, found[1]) == (f"x = 1{end}", "python", 2)


def test_only_documents_of_prose_have_blocks() -> None:
    text = "```\na\n```\n"
    assert find_fenced_code(Document("file:///a.py", text), 4) is None
    assert find_fenced_code(Document("file:///a", text, "markdown"), 4) is not None


def test_code_without_a_language_has_none_although_the_file_has_a_name() -> None:
    found = find_fenced_code(Document("file:///a.md", "```\na\n```\n", path="a.md"), 4)
    assert found is not None and (found[0].path, found[0].language) == ("", "")
