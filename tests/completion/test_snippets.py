"""Code of other files that a client sends along: read in the pauses, in front from then on."""

import asyncio
from dataclasses import replace

from msgspec import structs

from copilotd.completion.prompt_store import PromptStore
from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionRequest
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.documents import Document, Snippet
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import Lane
from copilotd.models.fim import FimTokens
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor
from tests.cursor import document, request

QUICK = Budget(768, 128, 96, 0, 0, 500)
SLOW = replace(QUICK, cold_prompt_tokens=30)
SENT = (Snippet("b.py", "LIMIT = 10\n"), Snippet("c.py", "STEP = 2\n"))
OPEN = "import b\n\n\ndef f():\n    return ║\n"


def opened(snippets: tuple[Snippet, ...] = SENT) -> tuple[Document, int]:
    shown, offset = document(OPEN)
    return replace(shown, snippets=snippets), offset


async def prompt(prompts: PromptStore, budget: Budget, snippets: tuple[Snippet, ...] = SENT) -> str:
    shown, offset = opened(snippets)
    return (await prompts.prompt_for(Cursor(shown, offset), budget, Lane.COMPLETION)).rendered


WITH = (
    "<REPO>workspace\n<FILE>b.py\nLIMIT = 10\n<FILE>c.py\nSTEP = 2\n<FILE>a.py\n"
    "<PRE>import b\n\n<SUF>\n<MID>\ndef f():\n    return "
)
WITHOUT = "<PRE>import b\n\n<SUF>\n<MID>\ndef f():\n    return "


async def test_they_stand_in_front_of_the_open_file() -> None:
    assert await prompt(PromptStore(FakeEngine()), QUICK) == WITH


async def test_a_model_that_knows_no_several_files_is_shown_the_open_one_alone() -> None:
    fim = FAKE_MODEL.fim
    plain = structs.replace(FAKE_MODEL, fim=FimTokens(fim.prefix, fim.suffix, fim.middle))
    assert await prompt(PromptStore(FakeEngine(info=plain)), QUICK) == WITHOUT


async def test_a_family_without_a_token_for_the_repository_gets_the_files_alone() -> None:
    plain = structs.replace(FAKE_MODEL, fim=structs.replace(FAKE_MODEL.fim, repository=None))
    shown = await prompt(PromptStore(FakeEngine(info=plain)), QUICK)
    assert shown == WITH.removeprefix("<REPO>workspace\n")


async def test_nobody_waits_until_they_are_read_and_the_pause_reads_them() -> None:
    prompts = PromptStore(FakeEngine())
    before = await prompt(prompts, SLOW)
    await prompts.refresh(Cursor(*opened()), SLOW)
    assert (before, await prompt(prompts, SLOW)) == (WITHOUT, WITH)


async def test_the_prompt_with_the_older_ones_serves_until_newer_ones_are_read() -> None:
    prompts = PromptStore(FakeEngine())
    await prompt(prompts, QUICK, SENT[:1])
    meanwhile = await prompt(prompts, SLOW)
    await prompts.refresh(Cursor(*opened()), SLOW)
    assert meanwhile == WITH.replace("<FILE>c.py\nSTEP = 2\n", "")
    assert await prompt(prompts, SLOW) == WITH


async def test_they_are_read_alone_before_anything_is_asked_for() -> None:
    engine = FakeEngine()
    prompts = PromptStore(engine)
    await prompts.warm_up(replace(Document("a", ""), path="a.py", snippets=SENT), QUICK)
    read = await engine.detokenize(list(engine.requests[0].prompt))
    assert WITH.startswith(read) and read.endswith("<FILE>a.py\n<PRE>")


async def test_newer_ones_are_read_while_the_document_is_known_already() -> None:
    engine = FakeEngine()
    completions = CompletionService(
        engine, Live(CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=True))
    )
    await completions.complete(request(OPEN))
    engine.request_received.clear()
    completions.on_focus(opened()[0])
    await asyncio.wait_for(engine.request_received.wait(), 30)
    read = await engine.detokenize(list(engine.requests[-1].prompt))
    assert read == WITH.partition("<PRE>")[0]


async def test_who_sends_none_has_prompts_as_ever() -> None:
    engine = FakeEngine("x")
    shown, offset = opened(())
    service = CompletionService(
        engine, Live(CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=False))
    )
    outcome = await service.complete(CompletionRequest(shown, offset))
    assert outcome.explanation.prompt == WITHOUT
