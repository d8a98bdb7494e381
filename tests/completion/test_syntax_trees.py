"""The completion service gives each generation the syntax tree of its document."""

from copilotd.completion.service import CompletionService
from copilotd.completion.types import Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.engine.fake import FakeEngine
from copilotd.syntax.trees import SyntaxTrees
from tests.cursor import accept_outcome, build_request

SETTINGS = CompletionSection(debounce_ms=0, target_ms=60_000)


async def test_a_suggestion_that_breaks_the_document_is_cut() -> None:
    marked = "area = ║\nprint(area)\n"
    completions = CompletionService(FakeEngine("width * height depth"), Live(SETTINGS))
    outcome = await completions.complete(build_request(marked))
    assert accept_outcome(marked, outcome) == "area = width * height║\nprint(area)\n"


async def test_the_tree_of_a_document_is_kept_for_its_next_request() -> None:
    trees = SyntaxTrees()
    completions = CompletionService(FakeEngine("1"), Live(SETTINGS), trees=trees)
    request = build_request("x = ║\n")
    await completions.complete(request)
    assert trees.tree_of(request.document) is trees.tree_of(request.document)
    assert list(trees._trees) == [request.document.uri]


async def test_the_context_tells_whether_the_user_asked_with_a_key() -> None:
    completions = CompletionService(FakeEngine(), Live(SETTINGS))
    contexts = [
        completions._context(build_request("x = ║\n", trigger))
        for trigger in (Trigger.INVOKED, Trigger.AUTOMATIC)
    ]
    assert [context.invoked for context in contexts] == [True, False]
