"""A pause prefills the snippets that a client sends; each prompt after it begins with them."""

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
from tests.cursor import build_request, parse_document

QUICK = Budget(768, 128, 96, 0, 0, 500)
SLOW = replace(QUICK, cold_prompt_tokens=30)
SENT = (Snippet("b.py", "LIMIT = 10\n"), Snippet("c.py", "STEP = 2\n"))
OPEN = "import b\n\n\ndef f():\n    return ║\n"


def parse_open_file(snippets: tuple[Snippet, ...] = SENT) -> tuple[Document, int]:
    shown, offset = parse_document(OPEN)
    return replace(shown, snippets=snippets), offset


async def render_prompt(
    prompts: PromptStore, budget: Budget, snippets: tuple[Snippet, ...] = SENT
) -> str:
    shown, offset = parse_open_file(snippets)
    return (await prompts.prompt_for(Cursor(shown, offset), budget, Lane.COMPLETION)).rendered


WITH = (
    "<REPO>workspace\n<FILE>b.py\nLIMIT = 10\n<FILE>c.py\nSTEP = 2\n<FILE>a.py\n"
    "<PRE>import b\n\n<SUF>\n<MID>\ndef f():\n    return "
)
WITHOUT = "<PRE>import b\n\n<SUF>\n<MID>\ndef f():\n    return "


async def test_snippets_stand_before_the_open_file() -> None:
    assert await render_prompt(PromptStore(FakeEngine()), QUICK) == WITH


async def test_a_model_without_a_file_token_gets_the_open_file_only() -> None:
    fim = FAKE_MODEL.fim
    plain = structs.replace(FAKE_MODEL, fim=FimTokens(fim.prefix, fim.suffix, fim.middle))
    assert await render_prompt(PromptStore(FakeEngine(info=plain)), QUICK) == WITHOUT


async def test_a_model_without_a_repository_token_gets_the_files_only() -> None:
    plain = structs.replace(FAKE_MODEL, fim=structs.replace(FAKE_MODEL.fim, repository=None))
    shown = await render_prompt(PromptStore(FakeEngine(info=plain)), QUICK)
    assert shown == WITH.removeprefix("<REPO>workspace\n")


async def test_no_request_waits_for_snippets_and_a_pause_prefills_them() -> None:
    prompts = PromptStore(FakeEngine())
    before = await render_prompt(prompts, SLOW)
    await prompts.refresh(Cursor(*parse_open_file()), SLOW)
    assert (before, await render_prompt(prompts, SLOW)) == (WITHOUT, WITH)


async def test_the_prompt_with_older_snippets_serves_until_newer_ones_are_prefilled() -> None:
    prompts = PromptStore(FakeEngine())
    await render_prompt(prompts, QUICK, SENT[:1])
    meanwhile = await render_prompt(prompts, SLOW)
    await prompts.refresh(Cursor(*parse_open_file()), SLOW)
    assert meanwhile == WITH.replace("<FILE>c.py\nSTEP = 2\n", "")
    assert await render_prompt(prompts, SLOW) == WITH


async def test_a_warm_up_prefills_the_snippets_before_the_first_request() -> None:
    engine = FakeEngine()
    prompts = PromptStore(engine)
    await prompts.warm_up(replace(Document("a", ""), path="a.py", snippets=SENT), QUICK)
    read = await engine.detokenize(list(engine.requests[0].prompt))
    assert read == WITH.partition("<PRE>")[0]


async def test_newer_snippets_are_prefilled_when_a_known_document_gets_the_focus() -> None:
    engine = FakeEngine()
    completions = CompletionService(
        engine, Live(CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=True))
    )
    await completions.complete(build_request(OPEN))
    engine.request_received.clear()
    completions.on_focus(parse_open_file()[0])
    await asyncio.wait_for(engine.request_received.wait(), 30)
    read = await engine.detokenize(list(engine.requests[-1].prompt))
    assert read == WITH.partition("<PRE>")[0]


async def test_a_client_without_snippets_gets_the_plain_prompt() -> None:
    engine = FakeEngine("x")
    shown, offset = parse_open_file(())
    service = CompletionService(
        engine, Live(CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=False))
    )
    outcome = await service.complete(CompletionRequest(shown, offset))
    assert outcome.explanation.prompt == WITHOUT
