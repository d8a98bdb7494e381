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
from copilotd.engine.fallback import HINT, Fallback
from copilotd.engine.performance import Setup
from copilotd.engine.types import Chunk, EngineState, GenerateRequest, Phase
from copilotd.errors import EngineDied, UpstreamFailed
from tests.engine.upstream.fake_upstream import Answer, Remote, asking, llama_server, vllm
from tests.engine.upstream.test_upstream import collected, hole, says, until

THERE, HERE = " there", " here"


@asynccontextmanager
async def falling_back(remote: Remote, local: FakeEngine) -> AsyncGenerator[Fallback, None]:
    async with asking(remote) as upstream:
        engine = Fallback(upstream, local)
        yield engine
        await engine.close()


def at_work() -> Remote:
    return llama_server(completion=says(THERE))


async def written(engine: Fallback) -> str:
    text, _ = await collected(engine, GenerateRequest(await hole(engine, "a", "b"), 8, tail="\n"))
    return text


async def test_the_server_answers_while_it_can() -> None:
    local = FakeEngine(HERE)
    async with falling_back(at_work(), local) as engine:
        info = await engine.info()

        assert info.is_elsewhere
        assert await written(engine) == THERE
        assert (engine.state.phase, local.requests) == (Phase.READY, [])


async def test_the_local_model_answers_while_the_server_is_down() -> None:
    remote, local = at_work(), FakeEngine(HERE)
    async with falling_back(remote, local) as engine:
        await engine.info()
        await remote.stop()
        with pytest.raises(UpstreamFailed) as lost:
            await written(engine)
        during = await written(engine)
        down = engine.state
        name = (await engine.info()).name

        back = asyncio.Event()
        engine.subscribe(lambda state: None if "local" in state.detail else back.set())
        await remote.start()
        await asyncio.wait_for(back.wait(), 30)
        after = await written(engine)

    assert (during, name, after) == (HERE, "fake", THERE)
    assert lost.value.hint == HINT
    assert down == EngineState(Phase.READY, f"the local model answers: {lost.value.message}")
    assert len(local.requests) == 1
    assert engine.stats().requests == 3


async def test_a_server_that_is_down_from_the_start_is_not_missed() -> None:
    remote = at_work()
    async with falling_back(remote, FakeEngine(HERE)) as engine:
        await remote.stop()

        assert (await engine.info()).name == "fake"
        assert await written(engine) == HERE
        await remote.start()


async def test_between_two_models_there_is_a_moment_with_none() -> None:
    remote = at_work()
    async with falling_back(remote, FakeEngine(HERE)) as engine:
        await engine.info()
        states: list[Phase] = []
        engine.subscribe(lambda state: states.append(state.phase))
        await remote.stop()
        with pytest.raises(UpstreamFailed):
            await written(engine)
        await remote.start()

    assert states == [Phase.LOADING, Phase.READY]


async def test_a_prompt_is_read_by_nobody_but_the_one_who_made_it() -> None:
    remote, local = at_work(), FakeEngine(HERE)
    async with falling_back(remote, local) as engine:
        ours = await engine.tokenize("x")
        await remote.stop()
        with pytest.raises(UpstreamFailed):
            await collected(engine, GenerateRequest(ours, 8))
        theirs = await engine.tokenize("x")
        with pytest.raises(UpstreamFailed) as late:
            await collected(engine, GenerateRequest(ours, 8))
        with pytest.raises(EngineDied, match="another model answers by now"):
            await collected(engine, GenerateRequest([PREFIX, *ours], 8))
        text, _ = await collected(engine, GenerateRequest(theirs, 8))
        shown = await engine.detokenize(theirs), await engine.cached_prefix_length(theirs)
        await remote.start()

    assert late.value.retryable
    assert (theirs, text, shown) == ([ord("x")], HERE, ("x", 0))


async def test_ghost_text_goes_on_with_the_local_model() -> None:
    remote, local = vllm(), FakeEngine("a + b")
    document = Document("file:///a.py", "def add(a, b):\n    return \n", "python", 1, "a.py")
    asked = CompletionRequest(document, document.text.index("return ") + 7, Trigger.INVOKED)
    async with falling_back(remote, local) as engine:
        service = CompletionService(engine, Live(CompletionSection(target_ms=60_000, anticipate=False)))
        await engine.info()
        await remote.stop()
        lost = await service.complete(asked)
        found = await service.complete(asked)
        await remote.start()

    assert (lost.status, found.status) == (Status.FAILED, Status.SHOWN)
    assert lost.reason.endswith(HINT)
    assert found.completion is not None
    assert found.completion.text == "a + b"
    assert found.explanation.prompt == "<PRE><SUF>\n<MID>def add(a, b):\n    return "


async def test_closing_an_answer_reaches_the_server() -> None:
    event = {"content": "a", "stop": False}
    remote = llama_server(completion=lambda body: Answer(events=(event,), holds=True))
    async with falling_back(remote, FakeEngine()) as engine:
        request = GenerateRequest(await hole(engine, "a", "b"), 8)
        async with aclosing(engine.generate(request)) as events:
            assert isinstance(await anext(events), Chunk)
        await asyncio.wait_for(remote.hung_up.wait(), 30)


async def test_the_one_that_answers_is_measured() -> None:
    remote, local = at_work(), FakeEngine(HERE)
    async with falling_back(remote, local) as engine:
        await remote.stop()
        await engine.info()
        async with aclosing(engine.calibrate(Setup(), 0.0, wait_for_idle_cpu=False)) as steps:
            heard: list[Any] = [step async for step in steps]
        await remote.start()

    assert (local.calibrations, len(heard)) == (1, 2)


async def test_embeddings_come_from_the_one_that_made_the_tokens() -> None:
    vectors = {"data": [{"embedding": [0.0, 2.0]}]}
    async with falling_back(vllm(embeddings=lambda b: Answer(vectors)), FakeEngine()) as engine:
        made = await engine.embed([await engine.tokenize("x")])
        local = await engine.embed([[7]])
        await until(engine, Phase.READY)

    assert (made, local) == ([[0.0, 1.0]], [[0.0, 1.0, 0.0, 0.0]])
