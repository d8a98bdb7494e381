"""A fake upstream server, and a fake local engine for when it is down."""

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
from tests.cursor import get_completion
from tests.engine.upstream.fake_upstream import (
    Answer,
    FakeUpstream,
    llama_server,
    llama_server_answer,
    upstream_engine,
    vllm,
)
from tests.engine.upstream.test_upstream import (
    collect_answer,
    tokenize_fim_prompt,
    wait_for_phase,
)

UPSTREAM_TEXT, LOCAL_TEXT = " there", " here"


@asynccontextmanager
async def fallback_engine(
    server: FakeUpstream, local: FakeEngine
) -> AsyncGenerator[FallbackEngine, None]:
    async with upstream_engine(server) as upstream:
        engine = FallbackEngine(upstream, local)
        yield engine
        await engine.close()


def working_server() -> FakeUpstream:
    return llama_server(completion=llama_server_answer(UPSTREAM_TEXT))


async def generate_text(engine: FallbackEngine) -> str:
    text, _ = await collect_answer(
        engine, GenerateRequest(await tokenize_fim_prompt(engine, "a", "b"), 8, tail="\n")
    )
    return text


async def test_the_server_answers_while_it_can() -> None:
    local = FakeEngine(LOCAL_TEXT)
    async with fallback_engine(working_server(), local) as engine:
        info = await engine.info()

        assert info.is_upstream
        assert await generate_text(engine) == UPSTREAM_TEXT
        assert (engine.state.phase, local.requests) == (Phase.READY, [])


async def test_the_local_model_answers_while_the_server_is_down() -> None:
    server, local = working_server(), FakeEngine(LOCAL_TEXT)
    async with fallback_engine(server, local) as engine:
        await engine.info()
        await server.stop()
        with pytest.raises(UpstreamFailed) as failure:
            await generate_text(engine)
        during = await generate_text(engine)
        down = engine.state
        name = (await engine.info()).name

        back = asyncio.Event()
        engine.subscribe(lambda state: None if "local" in state.detail else back.set())
        await server.start()
        await asyncio.wait_for(back.wait(), 30)
        after = await generate_text(engine)

    assert (during, name, after) == (LOCAL_TEXT, "fake", UPSTREAM_TEXT)
    assert failure.value.hint == RETRY_HINT
    assert down == EngineState(Phase.READY, f"the local model answers: {failure.value.message}")
    assert len(local.requests) == 1
    assert engine.stats().requests == 3


async def test_the_local_model_answers_if_the_server_is_down_from_the_start() -> None:
    server = working_server()
    async with fallback_engine(server, FakeEngine(LOCAL_TEXT)) as engine:
        await server.stop()

        assert (await engine.info()).name == "fake"
        assert await generate_text(engine) == LOCAL_TEXT
        await server.start()


async def test_a_loading_state_separates_two_models() -> None:
    server = working_server()
    async with fallback_engine(server, FakeEngine(LOCAL_TEXT)) as engine:
        await engine.info()
        states: list[Phase] = []
        engine.subscribe(lambda state: states.append(state.phase))
        await server.stop()
        with pytest.raises(UpstreamFailed):
            await generate_text(engine)
        await server.start()

    assert states == [Phase.LOADING, Phase.READY]


async def test_a_prompt_is_only_evaluated_by_the_engine_that_made_it() -> None:
    server, local = working_server(), FakeEngine(LOCAL_TEXT)
    async with fallback_engine(server, local) as engine:
        upstream_tokens = await engine.tokenize("x")
        await server.stop()
        with pytest.raises(UpstreamFailed):
            await collect_answer(engine, GenerateRequest(upstream_tokens, 8))
        local_tokens = await engine.tokenize("x")
        with pytest.raises(UpstreamFailed) as late:
            await collect_answer(engine, GenerateRequest(upstream_tokens, 8))
        with pytest.raises(EngineDied, match="another model answers now"):
            await collect_answer(engine, GenerateRequest([PREFIX, *upstream_tokens], 8))
        text, _ = await collect_answer(engine, GenerateRequest(local_tokens, 8))
        detokenized = await engine.detokenize(local_tokens)
        cached = await engine.cached_prefix_length(local_tokens)
        await server.start()

    assert late.value.retryable
    assert (local_tokens, text) == ([ord("x")], LOCAL_TEXT)
    assert (detokenized, cached) == ("x", 0)


async def test_ghost_text_continues_with_the_local_model() -> None:
    server, local = vllm(), FakeEngine("a + b")
    document = Document("file:///a.py", "def add(a, b):\n    return \n", "python", 1, "a.py")
    request = CompletionRequest(document, document.text.index("return ") + 7, Trigger.INVOKED)
    async with fallback_engine(server, local) as engine:
        settings = CompletionSection(target_ms=60_000, anticipate=False)
        service = CompletionService(engine, Live(settings))
        await engine.info()
        await server.stop()
        failed = await service.complete(request)
        completed = await service.complete(request)
        await server.start()

    assert (failed.status, completed.status) == (Status.FAILED, Status.SHOWN)
    assert failed.reason.endswith(RETRY_HINT)
    assert get_completion(completed).text == "a + b"
    assert (
        completed.explanation.prompt == "<FILE>a.py\n<PRE><SUF>\n<MID>def add(a, b):\n    return "
    )


async def test_closing_an_answer_reaches_the_server() -> None:
    event = {"content": "a", "stop": False}
    server = llama_server(completion=lambda body: Answer(events=(event,), holds=True))
    async with fallback_engine(server, FakeEngine()) as engine:
        request = GenerateRequest(await tokenize_fim_prompt(engine, "a", "b"), 8)
        async with aclosing(engine.generate(request)) as events:
            assert isinstance(await anext(events), Chunk)
        await asyncio.wait_for(server.disconnected.wait(), 30)


async def test_the_active_engine_is_measured() -> None:
    server, local = working_server(), FakeEngine(LOCAL_TEXT)
    async with fallback_engine(server, local) as engine:
        await server.stop()
        await engine.info()
        async with aclosing(engine.calibrate(Setup(), 0.0, wait_for_idle_cpu=False)) as steps:
            received: list[Any] = [step async for step in steps]
        await server.start()

    assert (local.calibrations, len(received)) == (1, 2)


async def test_embeddings_come_from_the_engine_that_made_the_tokens() -> None:
    answer = {"data": [{"embedding": [0.0, 2.0]}]}
    async with fallback_engine(vllm(embeddings=lambda b: Answer(answer)), FakeEngine()) as engine:
        vectors = await engine.embed([await engine.tokenize("x")])
        local = await engine.embed([[7]])
        await wait_for_phase(engine, Phase.READY)

    assert (vectors, local) == ([[0.0, 1.0]], [[0.0, 1.0, 0.0, 0.0]])
