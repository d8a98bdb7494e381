"""A nearly empty file is named in its prompt, so that the model knows the language."""

import pytest

from copilotd.completion.prompt_store import PromptStore
from copilotd.documents import Document
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Lane
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor
from copilotd.prompt.file_name import choose_file_name

BUDGET = Budget(768, 128, 96, 0, 0, 500)


@pytest.mark.parametrize(
    ("path", "language", "expected"),
    [
        ("db/new.sql", "sql", "db/new.sql"),
        ("new.go", "", "new.go"),
        ("Dockerfile", "dockerfile", "Dockerfile"),
        ("Untitled-1", "python", "untitled.py"),
        ("", "go", "untitled.go"),
        ("", "make", "Makefile"),
        ("notes", "", "notes"),
        ("", "", ""),
    ],
)
def test_the_name_shows_the_language(path: str, language: str, expected: str) -> None:
    assert choose_file_name(Document("file:///x", "sel", language, path=path)) == expected


def test_a_file_with_enough_text_is_not_named() -> None:
    assert choose_file_name(Document("file:///x", "x = 1\n" * 200, "python", path="a.py")) == ""


async def render_prompt(prompts: PromptStore, text: str) -> str:
    document = Document("file:///new.go", text, "go", path="new.go")
    cursor = Cursor(document, len(text))
    return (await prompts.prompt_for(cursor, BUDGET, Lane.COMPLETION)).rendered


async def test_the_name_stands_in_front_of_a_short_text() -> None:
    assert (
        await render_prompt(PromptStore(FakeEngine()), "pack")
        == "<FILE>new.go\n<PRE><SUF><MID>pack"
    )


async def test_each_keystroke_appends_to_the_prompt_even_when_the_file_becomes_long() -> None:
    prompts = PromptStore(FakeEngine())
    text = "package main\n\nfunc main() {\n"
    first = await render_prompt(prompts, text)
    for _ in range(30):
        text += "\tfmt.Println(1 + 2 + 3 + 4)\n"
        assert (await render_prompt(prompts, text)).startswith(first)
