"""What a client that only inserts gets of a completion that replaces text."""

import pytest

from copilotd.completion.insert_only import text_to_insert
from copilotd.completion.types import Completion
from copilotd.documents import Document


def insert_into(marked: str, text: str, language: str = "python") -> str:
    """Insert what is left of `text` at the first |; it replaces up to the second."""
    before, replaced, after = marked.split("|")
    document = Document("file:///w/a", before + replaced + after, language)
    completion = Completion("id", text, len(before), len(before) + len(replaced))
    return text_to_insert(document, completion)


@pytest.mark.parametrize(
    ("marked", "text", "inserted", "language"),
    [
        ("x = ||\n", "1", "1", "python"),
        ("print(a|)|\n", ", b)", ", b", "python"),
        ("def f(|)|\n", "a, b):\n    return a", "a, b", "python"),
        ('log(|"disk full", 3)|', 'INFO, "disk full", 3)', "INFO, ", "go"),
        ('say("|")|', 'hello")  # greets', "hello", "python"),
        ("f(|)|", "g(1), h(2)) + k", "g(1), h(2)", "rust"),
        ("import |type { A }|", "{ a, type A }", "", "typescript"),
        ("f(|)|;", "(a", "", "javascript"),
        ("let s = '|'|", "it)", "", "javascript"),
    ],
    ids=[
        "nothing is replaced",
        "the text ends with its copy",
        "the text continues behind its copy of a bracket",
        "the text ends with its copy of the rest",
        "the text continues behind its copy of a quote",
        "brackets that the text itself opens are not its copy",
        "the text rewrites the rest",
        "the text has no copy",
        "the text has no copy of the quote",
    ],
)
def test_the_inserted_text_ends_before_its_copy_of_the_replaced_text(
    marked: str, text: str, inserted: str, language: str
) -> None:
    assert insert_into(marked, text, language) == inserted
