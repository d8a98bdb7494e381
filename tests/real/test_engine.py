"""The engine with the real model: it completes, chats, cancels, and survives a dead worker."""

import asyncio
import os
import re
import signal
from contextlib import aclosing
from pathlib import Path

import pytest

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.completion.raw_text import TextRequest, TextService
from copilotd.completion.service import CompletionService
from copilotd.completion.types import Shown
from copilotd.config import ChatSection, CompletionSection
from copilotd.config.live import Live
from copilotd.engine.gbnf import convert_gbnf
from copilotd.engine.local.client import EngineClient
from copilotd.engine.types import Chunk, Finished, GenerateRequest, Lane, Phase, Sampling
from copilotd.errors import ContextOverflow, EngineDied, EngineLoadFailed, InvalidRequest
from copilotd.prompt.messages import UserMessage
from tests.cursor import CURSOR, accept_outcome, build_request
from tests.real.conftest import create_engine
from tests.real.fill_in_cases import HOLES, Hole

pytestmark = pytest.mark.model


async def collect(engine: EngineClient, generation: GenerateRequest) -> tuple[str, Finished]:
    text = ""
    async with aclosing(engine.generate(generation)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return text, event
            text += event.text
    raise AssertionError("a generation ends with Finished")


async def make_long_prompt(engine: EngineClient, length: int) -> list[int]:
    tokens = await engine.tokenize("value = compute(first, second) + 1\n" * 400)
    return tokens[:length]


def strip_white_space(text: str) -> str:
    return "".join(text.split())


def count_lines_before_cursor(marked: str) -> int:
    return marked.count("\n", 0, marked.index(CURSOR))


def is_right(hole: Hole, after: str) -> bool:
    line = next(line for line in after.split("\n") if CURSOR in line)
    is_one_line = count_lines_before_cursor(after) == count_lines_before_cursor(hole.marked)
    is_same = strip_white_space(line.replace(CURSOR, "")) == strip_white_space(hole.line)
    return is_one_line and is_same


async def test_at_least_six_of_ten_holes_are_filled_with_the_right_line(
    engine: EngineClient,
) -> None:
    completions = CompletionService(engine, Live(CompletionSection()))
    right = []
    for hole in HOLES:
        outcome = await completions.complete(build_request(hole.marked, language=hole.language))
        if isinstance(outcome, Shown) and is_right(hole, accept_outcome(hole.marked, outcome)):
            right.append(hole.line)
    assert len(right) >= 6, right


async def test_chat_answers_a_question(engine: EngineClient) -> None:
    chat = ChatService(engine, Live(ChatSection()))
    question = ChatRequest((UserMessage("What is the capital of France?"),), max_tokens=30)
    text = ""
    async for event in chat.stream_events(question):
        if isinstance(event, Chunk):
            text += event.text
    assert "Paris" in text


async def test_fim_tokens_and_template_come_from_the_model_file(engine: EngineClient) -> None:
    info = await engine.info()
    names = [
        await engine.detokenize([token])
        for token in (info.fim.prefix, info.fim.suffix, info.fim.middle)
        if token is not None
    ]
    assert names == ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
    assert info.chat_template is not None and "<|im_start|>" in info.chat_template
    assert (info.architecture, info.n_embd, info.n_ctx) == ("qwen2", 896, 8192)


async def test_a_second_request_reuses_the_cache_and_gives_the_same_output(
    engine: EngineClient,
) -> None:
    generation = GenerateRequest((await make_long_prompt(engine, 300)), 12)
    first_text, first = await collect(engine, generation)
    second_text, second = await collect(engine, generation)
    assert (first.usage.cached_tokens, second.usage.cached_tokens) == (0, 299)
    assert first_text == second_text


async def test_returning_to_an_earlier_prompt_evaluates_one_token_and_gives_the_same_output(
    engine: EngineClient,
) -> None:
    tokens = await make_long_prompt(engine, 500)
    generations = [GenerateRequest(tokens[start : start + 200], 12) for start in (0, 100, 300)]
    first = [(await collect(engine, generation))[0] for generation in generations]
    again = [await collect(engine, generation) for generation in generations]
    assert [text for text, _ in again] == first
    assert [finished.usage.cached_tokens for _, finished in again] == [199, 199, 199]


async def test_a_cancelled_prompt_frees_the_engine(engine: EngineClient) -> None:
    prompt = await make_long_prompt(engine, 3000)
    generation = engine.generate(GenerateRequest(prompt, 8))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(generation)
    short = await engine.tokenize("def main():\n    ")
    async with asyncio.timeout(60):
        text, _ = await collect(engine, GenerateRequest(short, 4, lane=Lane.COMPLETION))
    assert text
    # The cached part of the long prompt shows how far its evaluation came.
    _, again = await collect(engine, GenerateRequest(prompt[:1500], 0))
    assert again.usage.cached_tokens < 1499


async def test_a_completion_overtakes_the_prompt_of_a_chat(engine: EngineClient) -> None:
    order: list[str] = []

    async def run(name: str, prompt: list[int], lane: Lane) -> None:
        await collect(engine, GenerateRequest(prompt, 4, lane=lane))
        order.append(name)

    chat = asyncio.create_task(run("chat", await make_long_prompt(engine, 600), Lane.CHAT))
    await engine.tokenize("the chat's command is in the pipe before this one")
    await run("completion", await engine.tokenize("import "), Lane.COMPLETION)
    await chat
    assert order == ["completion", "chat"]


async def test_a_killed_worker_fails_its_request_and_the_next_request_is_served(
    engine: EngineClient,
) -> None:
    prompt = await engine.tokenize("# Count to a hundred\n1, 2, 3, 4,")
    with pytest.raises(EngineDied, match="killed by signal 9"):
        async with aclosing(engine.generate(GenerateRequest(prompt, 200))) as events:
            async for _ in events:
                pid = engine.stats().pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
    assert engine.state.phase is Phase.FAILED
    text, _ = await collect(engine, GenerateRequest(prompt, 4))
    assert text
    assert engine.stats().restarts == 1


async def test_a_stopped_worker_is_ended_and_the_next_request_is_served(
    engine: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilotd.engine.local.watch.EVERY_S", 0.1)
    monkeypatch.setattr("copilotd.engine.local.watch.SILENT_S", 5.0)
    prompt = await engine.tokenize("# Count to a hundred\n1, 2, 3, 4,")
    with pytest.raises(EngineDied, match="has not answered for 5 s and was ended"):
        async with aclosing(engine.generate(GenerateRequest(prompt, 200))) as events:
            async for _ in events:
                pid = engine.stats().pid
                assert pid is not None
                os.kill(pid, signal.SIGSTOP)
    text, _ = await collect(engine, GenerateRequest(prompt, 4))
    assert text


async def test_numbers_that_are_out_of_range_end_no_worker(engine: EngineClient) -> None:
    prompt = await engine.tokenize("def add(a, b):")
    sampling = Sampling(repeat_penalty=1.1, repeat_last_n=2**31 - 1)
    request = GenerateRequest(prompt, 2, sampling=sampling, logprobs=10**9)
    await collect(engine, request)
    assert engine.stats().restarts == 0


async def test_a_file_that_is_no_model_fails_to_load_with_a_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100)
    engine = create_engine(broken)
    with pytest.raises(EngineLoadFailed, match=r"cannot load .*broken\.gguf"):
        await engine.info()
    assert engine.state.phase is Phase.FAILED
    await engine.close()


async def test_a_prompt_that_fills_the_context_raises_context_overflow(model_path: Path) -> None:
    engine = create_engine(model_path, n_ctx=512)
    with pytest.raises(ContextOverflow, match="the prompt has 600 tokens, the context 512"):
        await collect(engine, GenerateRequest(await make_long_prompt(engine, 600), 4))
    await engine.close()


async def test_equal_seeds_give_equal_samples(engine: EngineClient) -> None:
    prompt = await engine.tokenize("Once upon a time")
    texts = [
        (await collect(engine, GenerateRequest(prompt, 12, Sampling(temperature=1.0, seed=seed))))[
            0
        ]
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


async def test_log_probabilities_are_those_of_the_most_probable_tokens(
    engine: EngineClient,
) -> None:
    generation = GenerateRequest(await engine.tokenize("for i in range("), 3, logprobs=3)
    tokens = []
    async with aclosing(engine.generate(generation)) as events:
        async for event in events:
            tokens += event.tokens if isinstance(event, Chunk) else []
    assert len(tokens) == 3
    for token in tokens:
        assert [c.logprob for c in token.top] == sorted(
            (c.logprob for c in token.top), reverse=True
        )
        assert token.logprob == token.top[0].logprob and token.id == token.top[0].id


async def test_an_emoji_of_several_tokens_arrives_whole(engine: EngineClient) -> None:
    prompt = await engine.tokenize('snakes = ["🐍", "🐍", "🐍", "')
    async with aclosing(engine.generate(GenerateRequest(prompt, 8))) as events:
        pieces = [event.text async for event in events if isinstance(event, Chunk)]
    assert "🐍" in "".join(pieces)
    assert all("\ufffd" not in piece for piece in pieces)


@pytest.mark.parametrize("token", [-1, 151_936, 2**31, 2**40])
async def test_an_invalid_token_id_is_refused_and_the_worker_lives_on(
    engine: EngineClient, token: int
) -> None:
    generation = GenerateRequest([1, token], 1)
    for call in (engine.detokenize([token]), engine.embed([[token]]), collect(engine, generation)):
        with pytest.raises(InvalidRequest, match="outside the vocabulary"):
            await call

    assert (engine.state.phase, engine.stats().restarts) == (Phase.READY, 0)


async def test_a_bias_for_an_invalid_token_id_changes_nothing(engine: EngineClient) -> None:
    prompt = await engine.tokenize("def add(a, b):\n    return")
    invalid = {-5: 100.0, 10**9: 100.0, 2**40: 100.0}
    texts = [
        (await collect(engine, GenerateRequest(prompt, 6, Sampling(temperature=0, logit_bias=b))))[
            0
        ]
        for b in ({}, invalid)
    ]

    assert texts[0] == texts[1] != ""


async def test_an_empty_text_cannot_be_embedded(engine: EngineClient) -> None:
    with pytest.raises(InvalidRequest, match="no text to embed"):
        await engine.embed([[]])


async def test_similar_texts_have_similar_embeddings(engine: EngineClient) -> None:
    service = TextService(engine)
    texts = ["def add(a, b): return a + b", "def sum(x, y): return x + y", "Dear Sir or Madam,"]
    embeddings = await service.embed([*texts])
    add, total, letter = embeddings.vectors

    def cosine(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert cosine(add, add) == pytest.approx(1.0, abs=1e-6)
    assert cosine(add, total) > cosine(add, letter)


async def test_many_concurrent_requests_are_all_answered(engine: EngineClient) -> None:
    service = TextService(engine)

    async def complete(number: int) -> str:
        text_request = TextRequest(f"x{number} = {number}\nprint(", max_tokens=4)
        pieces = [e.text async for e in service.generate(text_request) if isinstance(e, Chunk)]
        return "".join(pieces)

    texts = await asyncio.gather(*(complete(number) for number in range(20)))
    assert all(texts) and engine.stats().requests == 20


async def test_the_pieces_of_a_text_join_to_its_bytes(engine: EngineClient) -> None:
    tokens = await engine.tokenize("é 🤗<|im_end|>", special=True)

    pieces = await engine.token_bytes(tokens)

    assert b"".join(pieces).decode() == "é 🤗<|im_end|>"
    assert len(pieces) == len(tokens) > 3


async def test_the_output_follows_a_gbnf_grammar(engine: EngineClient) -> None:
    prompt = await engine.tokenize("Is 91 a prime number? Answer: ")
    grammar = convert_gbnf('root ::= answer "!"{2}\nanswer ::= "maybe" | [0-9]{1,3} "%"')
    sampling = Sampling(temperature=1.0, seed=1, typical_p=0.9, repeat_last_n=4)

    text, _ = await collect(engine, GenerateRequest(prompt, 30, sampling, grammar=grammar))

    assert re.fullmatch(r"(maybe|[0-9]{1,3}%)!!", text)
