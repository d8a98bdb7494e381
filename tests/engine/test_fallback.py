"""A server elsewhere, and a scripted local engine for when it is down."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionRequest, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.documents import Document
from copilotd.engine.fake import PREFIX, FakeEngine
from copilotd.engine.fallback import RETRY_HINT, FallbackEngine
from copilotd.engine.performance import Setup
from copilotd.engine.types import Chunk, EngineState, GenerateRequest, Phase
from copilotd.errors import EngineDied, UpstreamFailed
from tests.cursor import completion_of
from tests.engine.upstream.fake_upstream import (
    Answer,
    FakeUpstream,
    llama_server,
    upstream_engine,
    vllm,
)
from tests.engine.upstream.test_upstream import (
    build_fim_prompt,
    collect_answer,
    llama_server_answer,
    until,
)

THERE, HERE = " there", " here"


@asynccontextmanager
async def fallback_engine(
    server: FakeUpstream, local: FakeEngine
) -> AsyncGenerator[FallbackEngine, None]:
    async with upstream_engine(server) as upstream:
        engine = FallbackEngine(upstream, local)
        yield engine
        await engine.close()


def at_work() -> FakeUpstream:
    return llama_server(completion=llama_server_answer(THERE))


async def written(engine: FallbackEngine) -> str:
    text, _ = await collect_answer(
        engine, GenerateRequest(await build_fim_prompt(engine, "a", "b"), 8, tail="\n")
    )
    return text


async def test_the_server_answers_while_it_can() -> None:
    local = FakeEngine(HERE)
    async with fallback_engine(at_work(), local) as engine:
        info = await engine.info()

        assert info.is_upstream
        assert await written(engine) == THERE
        assert (engine.state.phase, local.requests) == (Phase.READY, [])


async def test_the_local_model_answers_while_the_server_is_down() -> None:
    server, local = at_work(), FakeEngine(HERE)
    async with fallback_engine(server, local) as engine:
        await engine.info()
        await server.stop()
        with pytest.raises(UpstreamFailed) as lost:
            await written(engine)
        during = await written(engine)
        down = engine.state
        name = (await engine.info()).name

        back = asyncio.Event()
        engine.subscribe(lambda state: None if "local" in state.detail else back.set())
        await server.start()
        await asyncio.wait_for(back.wait(), 30)
        after = await written(engine)

    assert (during, name, after) == (HERE, "fake", THERE)
    assert lost.value.hint == RETRY_HINT
    assert down == EngineState(Phase.READY, f"the local model answers: {lost.value.message}")
    assert len(local.requests) == 1
    assert engine.stats().requests == 3


async def test_a_server_that_is_down_from_the_start_is_not_missed() -> None:
    server = at_work()
    async with fallback_engine(server, FakeEngine(HERE)) as engine:
        await server.stop()

        assert (await engine.info()).name == "fake"
        assert await written(engine) == HERE
        await server.start()


async def test_between_two_models_there_is_a_moment_with_none() -> None:
    server = at_work()
    async with fallback_engine(server, FakeEngine(HERE)) as engine:
        await engine.info()
        states: list[Phase] = []
        engine.subscribe(lambda state: states.append(state.phase))
        await server.stop()
        with pytest.raises(UpstreamFailed):
            await written(engine)
        await server.start()

    assert states == [Phase.LOADING, Phase.READY]


async def test_a_prompt_is_read_by_nobody_but_the_one_who_made_it() -> None:
    server, local = at_work(), FakeEngine(HERE)
    async with fallback_engine(server, local) as engine:
        ours = await engine.tokenize("x")
        await server.stop()
        with pytest.raises(UpstreamFailed):
            await collect_answer(engine, GenerateRequest(ours, 8))
        theirs = await engine.tokenize("x")
        with pytest.raises(UpstreamFailed) as late:
            await collect_answer(engine, GenerateRequest(ours, 8))
        with pytest.raises(EngineDied, match="another model answers by now"):
            await collect_answer(engine, GenerateRequest([PREFIX, *ours], 8))
        text, _ = await collect_answer(engine, GenerateRequest(theirs, 8))
        shown = await engine.detokenize(theirs), await engine.cached_prefix_length(theirs)
        await server.start()

    assert late.value.retryable
    assert (theirs, text, shown) == ([ord("x")], HERE, ("x", 0))


async def test_ghost_text_goes_on_with_the_local_model() -> None:
    server, local = vllm(), FakeEngine("a + b")
    document = Document("file:///a.py", "def add(a, b):\n    return \n", "python", 1, "a.py")
    asked = CompletionRequest(document, document.text.index("return ") + 7, Trigger.INVOKED)
    async with fallback_engine(server, local) as engine:
        settings = CompletionSection(target_ms=60_000, anticipate=False)
        service = CompletionService(engine, Live(settings))
        await engine.info()
        await server.stop()
        lost = await service.complete(asked)
        found = await service.complete(asked)
        await server.start()

    assert (lost.status, found.status) == (Status.FAILED, Status.SHOWN)
    assert lost.reason.endswith(RETRY_HINT)
    assert completion_of(found).text == "a + b"
    assert found.explanation.prompt == "<PRE><SUF>\n<MID>def add(a, b):\n    return "


async def test_closing_an_answer_reaches_the_server() -> None:
    event = {"content": "a", "stop": False}
    server = llama_server(completion=lambda body: Answer(events=(event,), holds=True))
    async with fallback_engine(server, FakeEngine()) as engine:
        request = GenerateRequest(await build_fim_prompt(engine, "a", "b"), 8)
        async with aclosing(engine.generate(request)) as events:
            assert isinstance(await anext(events), Chunk)
        await asyncio.wait_for(server.disconnected.wait(), 30)


async def test_the_one_that_answers_is_measured() -> None:
    server, local = at_work(), FakeEngine(HERE)
    async with fallback_engine(server, local) as engine:
        await server.stop()
        await engine.info()
        async with aclosing(engine.calibrate(Setup(), 0.0, wait_for_idle_cpu=False)) as steps:
            heard: list[Any] = [step async for step in steps]
        await server.start()

    assert (local.calibrations, len(heard)) == (1, 2)


async def test_embeddings_come_from_the_one_that_made_the_tokens() -> None:
    vectors = {"data": [{"embedding": [0.0, 2.0]}]}
    async with fallback_engine(vllm(embeddings=lambda b: Answer(vectors)), FakeEngine()) as engine:
        made = await engine.embed([await engine.tokenize("x")])
        local = await engine.embed([[7]])
        await until(engine, Phase.READY)

    assert (made, local) == ([[0.0, 1.0]], [[0.0, 1.0, 0.0, 0.0]])
