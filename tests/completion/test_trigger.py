"""Automatic ghost text is offered where it helps, and only there."""

import pytest

from copilotd.completion.service import CompletionService
from copilotd.completion.trigger import find_reason_for_silence
from copilotd.completion.types import Shown, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.fake import FakeEngine
from tests.cursor import accept_outcome, build_request, parse_document

SETTINGS = CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=False)
AUTOMATIC = Trigger.AUTOMATIC


def find_reason(marked: str, language: str, *, typed: bool = False) -> str | None:
    document, offset = parse_document(marked, language=language)
    return find_reason_for_silence(document, offset, typed=typed)


@pytest.mark.parametrize(
    ("marked", "language", "reason"),
    [
        ("║", "python", "the document is empty"),
        ("\n\n║\n", "go", "the document is empty"),
        ("const to║tal = 1;", "typescript", "the cursor is inside a word"),
        ("const a = 1;║\n", "typescript", "the statement before the cursor is finished"),
        ("int a = 1; ║\n", "java", "the statement before the cursor is finished"),
        ("SELECT 1;║\n", "sql", "the statement before the cursor is finished"),
        ("let a = b();║\n", "rust", "the statement before the cursor is finished"),
        ("func f() {\n}║\n", "go", "the block before the cursor is closed"),
        (".a {\n}║\n", "css", "the block before the cursor is closed"),
        ('log("disk full║")\n', "python", "the cursor is at the end of a string"),
        ("log('disk full║');\n", "javascript", "the cursor is at the end of a string"),
        ("const a = `disk full║`;\n", "typescript", "the cursor is at the end of a string"),
    ],
)
def test_silence_where_a_suggestion_would_disturb(marked: str, language: str, reason: str) -> None:
    assert find_reason(marked, language) == reason


@pytest.mark.parametrize(
    ("marked", "language"),
    [
        ("def f():\n    ║\n", "python"),
        ("func f() {\n\t║\n}\n", "go"),
        ("x = ║\n", "python"),
        ("print(║)\n", "python"),
        ("users.║\n", "javascript"),
        ("const a = b;\n║\n", "javascript"),
        ("for (let i = 0;║)\n", "javascript"),
        ("for (int i = 0; ║) {\n}\n", "c"),
        ("x = 1║\n", "python"),
        ("}\n║\n", "java"),
        ("} ║\n", "java"),
        ('log("║")\n', "python"),
        ('log("di║")\n', "python"),
        ("// done;║\n", "go"),
        ("type A = { a: number;║\n", "typescript"),
        ('a = "x;║\n', "python"),
        ("text &nbsp;║\n", "html"),
        ("A sentence;║\n", "markdown"),
        ("├ 项║目\n", "markdown"),
    ],
)
def test_ghost_text_where_it_helps(marked: str, language: str) -> None:
    if "项" in marked:
        marked = marked.replace("║", "") + "║"
    assert find_reason(marked, language) is None


def test_a_user_who_types_a_string_gets_the_rest_of_it() -> None:
    assert find_reason('log("disk full║")\n', "python", typed=True) is None


async def test_a_refusal_says_why() -> None:
    completions = CompletionService(FakeEngine("x"), Live(SETTINGS))
    outcome = await completions.complete(build_request("a = 1;║\n", AUTOMATIC))
    assert (outcome.status, outcome.reason) == (
        Status.SKIPPED,
        "the statement before the cursor is finished",
    )


async def test_a_user_who_asks_is_always_answered() -> None:
    engine = FakeEngine("x")
    await CompletionService(engine, Live(SETTINGS)).complete(build_request("a = 1;║\n"))
    assert len(engine.requests) == 1


async def test_a_suggestion_that_the_user_types_along_stays() -> None:
    completions = CompletionService(FakeEngine("one(); // and more"), Live(SETTINGS))
    await completions.complete(build_request("x = ║\n", AUTOMATIC, language="javascript"))
    typed = await completions.complete(
        build_request("x = one();║\n", AUTOMATIC, language="javascript")
    )
    assert accept_outcome("x = one();║\n", typed) == "x = one(); // and more║\n"


async def test_a_change_in_a_string_brings_its_ghost_text() -> None:
    completions = CompletionService(FakeEngine(" of disk"), Live(SETTINGS))
    marked = 'log("disk full║")\n'
    assert (await completions.complete(build_request(marked, AUTOMATIC))).status is Status.SKIPPED
    completions.on_change(*parse_document(marked), "test")
    assert isinstance(await completions.complete(build_request(marked, AUTOMATIC)), Shown)
