"""Places without ghost text: documents that are no files, and the markers of a merge."""

import asyncio

import pytest

from copilotd.completion.service import CompletionService
from copilotd.completion.types import Outcome, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.fake import FakeEngine
from tests.cursor import build_request, parse_document

AUTOMATIC, INVOKED = Trigger.AUTOMATIC, Trigger.INVOKED


async def complete(
    marked: str, trigger: Trigger, uri: str = "file:///w/a.py", language: str = "python"
) -> Outcome:
    settings = CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=False)
    completions = CompletionService(FakeEngine("1"), Live(settings))
    return await completions.complete(build_request(marked, trigger, uri, language))


@pytest.mark.parametrize("trigger", [AUTOMATIC, INVOKED])
@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("git:/w/a.py?%7B%22ref%22%3A%22~%22%7D", "old version"),
        ("gitfs:/w/a.py", "old version"),
        ("GITLENS://1234/w/a.py", "old version"),
        ("fugitive:///w/.git//0/a.py", "old version"),
        ("output:extension-output", "output of a program"),
        ("term://~/w//12:/bin/sh", "output of a program"),
        ("search-editor:Search", "results of a search"),
        ("jdt://contents/rt.jar/String.class", "library"),
        ("copilotd-edit:/w/a.py", "copilotd itself"),
    ],
)
async def test_a_document_that_nobody_writes_gets_none_and_the_reason_says_why(
    trigger: Trigger, uri: str, reason: str
) -> None:
    outcome = await complete("x = ║", trigger, uri)
    assert outcome.status is Status.SKIPPED
    assert reason in outcome.reason


@pytest.mark.parametrize("trigger", [AUTOMATIC, INVOKED])
@pytest.mark.parametrize(
    "uri",
    [
        "file:///w/a.py",
        "untitled:Untitled-1",
        "vscode-notebook-cell:/w/a.ipynb#W0sZmlsZQ%3D%3D",
        "vscode-vfs://github/o/r/a.py",
        "vscode-remote://ssh/w/a.py",
        "a.py",
    ],
)
async def test_a_document_that_the_user_may_edit_gets_ghost_text(
    trigger: Trigger, uri: str
) -> None:
    assert (await complete("x = ║", trigger, uri)).status is Status.SHOWN


@pytest.mark.parametrize(
    ("uri", "language"),
    [
        ("vscode-scm:git/scm0/input", "scminput"),
        ("file:///w/a.code-search", "search-result"),
        ("file:///w/a.log", "Log"),
    ],
)
async def test_some_languages_get_ghost_text_only_when_the_user_asks(
    uri: str, language: str
) -> None:
    assert (await complete("Fix ║", AUTOMATIC, uri, language)).status is Status.SKIPPED
    assert (await complete("Fix ║", INVOKED, uri, language)).status is Status.SHOWN


@pytest.mark.parametrize("language", ["git-commit", "gitcommit"])
@pytest.mark.parametrize(
    ("marked", "status"),
    [
        ("║\n# Please enter the commit message\n", Status.SKIPPED),
        ("\n# Please enter the commit message║\n", Status.SKIPPED),
        ("Fix ║\n# Please enter the commit message\n", Status.SHOWN),
        ("Fix it\n\nIt was ║\n# Please enter the commit message\n", Status.SHOWN),
    ],
)
async def test_a_commit_message_that_is_begun_gets_ghost_text(
    language: str, marked: str, status: Status
) -> None:
    uri = "file:///w/.git/COMMIT_EDITMSG"
    assert (await complete(marked, AUTOMATIC, uri, language)).status is status
    assert (await complete(marked, INVOKED, uri, language)).status is Status.SHOWN


@pytest.mark.parametrize("trigger", [AUTOMATIC, INVOKED])
@pytest.mark.parametrize(
    "marked",
    [
        "<<<<<<< ║\nx = 1\n=======\nx = 2\n>>>>>>> b\n",
        "<<<<<<< a\nx = 1\n=======║\nx = 2\n>>>>>>> b\n",
        "<<<<<<< a\nx = 1\n=======\nx = 2\n║>>>>>>> b\n",
    ],
)
async def test_a_marker_of_a_merge_gets_none(trigger: Trigger, marked: str) -> None:
    outcome = await complete(marked, trigger)
    assert (outcome.status, outcome.reason) == (
        Status.SKIPPED,
        "the cursor is on a marker of a merge conflict",
    )


async def test_a_side_of_a_merge_gets_ghost_text() -> None:
    marked = "<<<<<<< a\nx = ║\n=======\nx = 2\n>>>>>>> b\n"
    assert (await complete(marked, AUTOMATIC)).status is Status.SHOWN


async def test_nothing_is_prepared_for_a_document_that_nobody_writes() -> None:
    engine = FakeEngine("1")
    completions = CompletionService(engine, Live(CompletionSection()))
    document, offset = parse_document("x = ║", "output:log")
    completions.on_focus(document)
    completions.on_change(document, offset, "test")
    assert asyncio.all_tasks() == {asyncio.current_task()}
