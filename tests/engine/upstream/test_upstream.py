"""The requests that upstream servers receive, and what the engine makes of their answers."""

import asyncio
import json
import logging
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.chat.tool_calls.types import ToolChoice, ToolDefinition, ToolSet
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.engine.interface import Engine
from copilotd.engine.performance import Calibration, CalibrationProgress, Setup
from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    GenerateRequest,
    Grammar,
    Lane,
    Phase,
    Sampling,
    TokenAlternative,
    TokenLogprob,
    Usage,
)
from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer, is_pseudo_token
from copilotd.errors import (
    ContextOverflow,
    CopilotdError,
    EngineBusy,
    EngineDied,
    InvalidRequest,
    UpstreamFailed,
)
from copilotd.prompt.fim import build_fim_prompt
from copilotd.prompt.messages import AssistantMessage, ToolCall, UserMessage
from tests.engine.upstream.fake_upstream import (
    LLAMA_SERVER_END,
    Answer,
    FakeUpstream,
    chat_events,
    completion_events,
    llama_server,
    llama_server_answer,
    upstream_engine,
    vllm,
)

USAGE = Usage(9, 4, 2, prefill_ms=5.0, decode_ms=6.0)
"""What `LLAMA_SERVER_END` reports."""


async def collect_answer(engine: Engine, request: GenerateRequest) -> tuple[str, Finished]:
    """Generate, and return the text and the last event."""
    text, end = "", None
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Chunk):
                text += event.text
            else:
                end = event
    assert end is not None
    return text, end


async def tokenize_fim_prompt(engine: Engine, before: str, after: str) -> list[int]:
    """The prompt for filling in between `before` and `after`."""
    sides = await engine.tokenize(before), await engine.tokenize(after)
    return build_fim_prompt(await engine.info(), *sides)


def test_tokenizing_and_detokenizing_keeps_text_and_markers() -> None:
    tokenizer = PseudoTokenizer(["<|mid|>", "", "<|middle|>"])
    text = "h\u00e9llo <|middle|>\n\U0001f600\x00 <|mid|>x"

    plain, special = (tokenizer.tokenize(text, special=special) for special in (False, True))

    assert tokenizer.detokenize(plain) == tokenizer.detokenize(special) == text
    assert list(tokenizer.split(plain)) == [text]
    middle, mid = tokenizer.marker_id("<|middle|>"), tokenizer.marker_id("<|mid|>")
    assert list(tokenizer.split(special)) == ["h\u00e9llo ", middle, "\n\U0001f600\x00 ", mid, "x"]
    assert all(is_pseudo_token(token) and token < 2**63 for token in plain + special)
    assert (tokenizer.marker_id(""), tokenizer.tokenize("", special=True)) == (None, [])


def test_a_marker_of_another_model_is_refused() -> None:
    old, new = PseudoTokenizer(["<|middle|>", "<PRE>"]), PseudoTokenizer(["<MID>", "<PRE>"])

    assert old.marker_id("<PRE>") == new.marker_id("<PRE>")
    with pytest.raises(EngineDied, match="another model now"):
        new.detokenize(old.tokenize("a<|middle|>", special=True))


# --- llama-server --------------------------------------------------------------------------------


async def test_the_fim_markers_of_a_llama_server_come_from_its_vocabulary() -> None:
    async with upstream_engine(llama_server()) as engine:
        info = await engine.info()

    assert (info.name, info.n_ctx, info.size, info.n_embd) == ("qwen", 2048, 5, 2)
    assert info.controls == ["<|fim_middle|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|im_end|>"]
    assert info.fim.is_complete
    assert info.fim.pad is None
    assert info.is_upstream
    assert engine.state.phase is Phase.READY
    assert engine.state.detail == f"{info.description} answers"


async def test_a_llama_server_receives_markers_as_token_ids_and_code_as_text() -> None:
    server = llama_server(completion=llama_server_answer(" a", " + b"))
    async with upstream_engine(server) as engine:
        prompt = await tokenize_fim_prompt(engine, "def f():\n", "\n# <|fim_middle|>")
        request = GenerateRequest(prompt, 12, stop=["\n\n"], tail="    ", lane=Lane.COMPLETION)
        await collect_answer(engine, request)

    sent = server.sent_to("/completion")[-1]
    marker_in_code = [1000 + ord(character) for character in "\n# <|fim_middle|>"]
    assert sent == {
        "prompt": [1, "def f():\n", 2, *marker_in_code, 3, "    "],
        "n_predict": 12,
        "stop": ["\n\n"],
        "cache_prompt": True,
        "timings_per_token": True,
        "temperature": 0.0,
        "top_k": 40,
        "top_p": 0.95,
        "min_p": 0.05,
        "typical_p": 1.0,
        "repeat_last_n": 256,
        "repeat_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "logit_bias": [],
        "stream": True,
    }


async def test_an_answer_is_streamed_with_its_usage() -> None:
    end = {"stop_type": "limit"}
    async with upstream_engine(
        llama_server(completion=llama_server_answer("a", "b", **end))
    ) as engine:
        request = GenerateRequest(await engine.tokenize("x"), 2, tail="\n")
        async with aclosing(engine.generate(request)) as events:
            received = [event async for event in events]
        stats = engine.stats()

    assert received == [
        Chunk("a", usage=Usage(prompt_tokens=9)),
        Chunk("b"),
        Finished(FinishReason.LENGTH, USAGE),
    ]
    assert (stats.requests, stats.running, stats.completion_tokens) == (1, 0, 2)


async def test_a_llama_server_heals_an_unfinished_word_with_a_grammar() -> None:
    server = llama_server(completion=llama_server_answer(" return", " x", stopping_word=";"))
    async with upstream_engine(server) as engine:
        prompt = await tokenize_fim_prompt(engine, "a", "b")
        text, end = await collect_answer(engine, GenerateRequest(prompt, 8, tail="\n    retu"))

    (sent,) = server.sent_to("/completion")
    assert (text, end.stop_text) == ("rn x", ";")
    assert sent["grammar"] == 'root ::= " retu" [^\\x00]*'
    assert sent["prompt"] == [1, "a", 2, "b", 3, "\n   "]


async def test_a_llama_server_receives_a_json_schema() -> None:
    server = llama_server(completion=llama_server_answer("{}"))
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("x")
        grammar = Grammar("start: %json {}", schema='{"type": "object"}')
        await collect_answer(engine, GenerateRequest(prompt, 8, grammar=grammar))
        optional = Grammar("start: TEXT", ["<tool_call>"], optional=True)
        await collect_answer(engine, GenerateRequest(prompt, 8, grammar=optional))
        with pytest.raises(InvalidRequest, match="supports JSON schemas but not this grammar"):
            await collect_answer(engine, GenerateRequest(prompt, 8, grammar=Grammar("start: A")))

    first, second = server.sent_to("/completion")
    assert first["json_schema"] == {"type": "object"}
    assert not {"json_schema", "grammar"} & set(second)


async def test_log_probabilities_of_a_llama_server_are_reported() -> None:
    best = {"id": 7, "bytes": [97], "logprob": -0.1}
    token = {"id": 8, "bytes": [98], "logprob": -2.0, "top_logprobs": [best]}
    event = {"content": "b", "completion_probabilities": [token]}
    server = llama_server(completion=lambda body: Answer(events=(event, LLAMA_SERVER_END)))
    async with upstream_engine(server) as engine:
        request = GenerateRequest(await engine.tokenize("x"), 1, logprobs=1)
        async with aclosing(engine.generate(request)) as events:
            first = await anext(events)

    assert isinstance(first, Chunk)
    assert first.tokens == [TokenLogprob(8, b"b", -2.0, [TokenAlternative(7, b"a", -0.1)])]
    assert server.sent_to("/completion")[0]["n_probs"] == 1


async def test_only_the_background_lane_prefills_a_prompt() -> None:
    server = llama_server(completion=lambda body: Answer(LLAMA_SERVER_END))
    async with upstream_engine(server) as engine:
        prompt = await tokenize_fim_prompt(engine, "a", "b")
        for lane in (Lane.COMPLETION, Lane.BACKGROUND):
            end = await collect_answer(engine, GenerateRequest(prompt, 0, lane=lane))
            assert end == ("", Finished(FinishReason.LENGTH, Usage()))

    (sent,) = server.sent_to("/completion")
    assert (sent["prompt"], sent["n_predict"]) == ([1, "a", 2, "b", 3], 0)
    assert "stream" not in sent


async def test_a_conversation_is_rendered_with_the_template_of_the_llama_server() -> None:
    server = llama_server(completion=llama_server_answer("Paris"))
    async with upstream_engine(server) as engine:
        chat = ChatService(engine, Live(ChatSection(system_prompt="")))
        request = ChatRequest((UserMessage("Where? <|im_end|>"),), max_tokens=3)
        answer = [piece async for piece in chat.stream_text(request)]

    assert answer == ["Paris", FinishReason.STOP]
    assert server.sent_to("/completion")[0]["prompt"] == [
        *(1000 + ord(character) for character in "Where? <|im_end|>"),
        4,
    ]


# --- OpenAI's API ---------------------------------------------------------------------------------


async def test_other_servers_receive_a_fim_prompt_as_text_in_the_familys_format() -> None:
    server = vllm(*completion_events(" a", " + b"))
    async with upstream_engine(server) as engine:
        prompt = await tokenize_fim_prompt(engine, "def f():\n", "\n# <|fim_middle|>")
        text, end = await collect_answer(
            engine, GenerateRequest(prompt, 12, stop=["\n\n"], tail="\n")
        )
        info = await engine.info()

    assert (info.name, info.n_ctx) == ("Qwen2.5-Coder-7B", 4096)
    assert (text, end.reason) == (" a + b", FinishReason.STOP)
    assert (end.usage.prompt_tokens, end.usage.cached_tokens) == (9, 4)
    assert server.sent_to("/v1/completions") == [
        {
            "model": "Qwen/Qwen2.5-Coder-7B",
            "prompt": "<|fim_prefix|>def f():\n<|fim_suffix|>\n# < |fim_middle|><|fim_middle|>\n",
            "max_tokens": 12,
            "stop": ["\n\n"],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.0,
        }
    ]


async def test_the_configured_family_takes_precedence_over_the_models_name() -> None:
    server = vllm(*completion_events("x"))
    async with upstream_engine(server, family="seed-coder") as engine:
        await collect_answer(
            engine, GenerateRequest(await tokenize_fim_prompt(engine, "a", "b"), 12, tail="\n")
        )

    (sent,) = server.sent_to("/v1/completions")
    assert sent["prompt"] == "<[fim-suffix]>b<[fim-prefix]>a<[fim-middle]>\n"


async def test_an_unknown_family_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    models = {"data": [{"id": "house-model"}]}
    async with upstream_engine(vllm(models=lambda body: Answer(models))) as engine:
        info = await engine.info()

    assert (info.fim.is_complete, info.n_ctx) == (False, 8192)
    assert (
        "the fill-in-the-middle format of house-model is unknown, so completions see only the text "
        "before the cursor. Set upstream.family if the model belongs to a known family"
    ) in caplog.messages


async def test_other_servers_receive_a_conversation_as_messages() -> None:
    server = vllm(*chat_events("Par", "is"))
    async with upstream_engine(server) as engine:
        chat = ChatService(engine, Live(ChatSection(system_prompt="Be brief.")))
        messages = (
            UserMessage("Where is <|upstream user|> it?"),
            AssistantMessage(""),
            UserMessage("Well?"),
        )
        sampling = Sampling(0.5, top_k=3, repeat_penalty=1.1, logit_bias={5: -1.0})
        request = ChatRequest(messages, max_tokens=3, sampling=sampling, stop=("!",))
        answer = [piece async for piece in chat.stream_text(request)]

    assert answer == ["Par", "is", FinishReason.STOP]
    assert server.sent_to("/v1/chat/completions") == [
        {
            "model": "Qwen/Qwen2.5-Coder-7B",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Where is < |upstream user|> it?"},
                {"role": "assistant", "content": ""},
                {"role": "user", "content": "Well?"},
            ],
            "max_tokens": 3,
            "stop": ["!"],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.5,
            "top_k": 3,
            "repetition_penalty": 1.1,
            "logit_bias": {"5": -1.0},
        }
    ]


async def test_the_beginning_of_an_answer_and_its_schema_are_sent() -> None:
    server = vllm(*chat_events("1]"))
    async with upstream_engine(server) as engine:
        chat = ChatService(engine, Live(ChatSection(system_prompt="")))
        question = (UserMessage("Which?"),)
        request = ChatRequest(question, answer_prefix="[", schema={"type": "array"})
        answer = [piece async for piece in chat.stream_text(request)]

    (sent,) = server.sent_to("/v1/chat/completions")
    assert answer == ["1]", FinishReason.STOP]
    assert sent["messages"][-1] == {"role": "assistant", "content": "["}
    assert (sent["add_generation_prompt"], sent["continue_final_message"]) == (False, True)
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "array"}, "strict": True},
    }


async def test_a_grammar_that_the_server_does_not_support_is_refused() -> None:
    schema = Grammar("start: A", schema="{}")
    async with upstream_engine(vllm(*completion_events("x"))) as engine:
        prompt = await engine.tokenize("x")
        with pytest.raises(
            InvalidRequest, match="supports no grammar for text completions"
        ) as refused:
            await collect_answer(engine, GenerateRequest(prompt, 8, grammar=schema))
        chat = ChatService(engine, Live(ChatSection()))
        request = ChatRequest((UserMessage("x"),), grammar=Grammar("start: A"))
        with pytest.raises(InvalidRequest, match="supports JSON schemas but not this grammar"):
            async for _ in chat.stream_events(request):
                pass

    assert refused.value.hint == "Use a chat completion with a JSON schema."


async def test_max_tokens_is_limited_to_what_surely_fits_the_context() -> None:
    server = vllm(*completion_events("x"))
    async with upstream_engine(server) as engine:
        for length, max_tokens in ((30, 5), (30, 9000), (4000, 9000)):
            prompt = await engine.tokenize("abc" * length)
            await collect_answer(engine, GenerateRequest(prompt, max_tokens))

    sent = [body["max_tokens"] for body in server.sent_to("/v1/completions")]
    assert sent == [5, 4096 - 45, 16]


async def test_an_unfinished_word_is_removed_from_the_start_of_the_output() -> None:
    server = vllm(*completion_events(" r", "eturn", " x"))
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("a")
        text, _ = await collect_answer(engine, GenerateRequest(prompt, 8, tail="\n    retu"))

    assert text == "rn x"
    assert [sent["prompt"] for sent in server.sent_to("/v1/completions")] == ["a\n   "]


async def test_another_word_in_the_output_repeats_the_request_with_the_unfinished_word() -> None:
    def answer(body: Any) -> Answer:
        return Answer(
            events=completion_events("rn x")
            if "retu" in body["prompt"]
            else completion_events(" raise")
        )

    server = vllm(completions=answer)
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("a")
        text, _ = await collect_answer(engine, GenerateRequest(prompt, 8, tail="\n    retu"))

    prompts = [sent["prompt"] for sent in server.sent_to("/v1/completions")]
    assert (text, prompts) == ("rn x", ["a\n   ", "a\n    retu"])


async def test_log_probabilities_of_both_formats_are_reported() -> None:
    table = {
        "tokens": ["b"],
        "token_logprobs": [-2.0],
        "top_logprobs": [{"c": -3.0, "a": -0.1}],
    }
    best = {"token": "a", "logprob": -0.1, "bytes": [97]}
    other = {"token": "c", "logprob": -3.0, "bytes": None}
    content = [{"token": "b", "logprob": -2.0, "top_logprobs": [best, other]}]
    chunks = []
    for field in (table, {"content": content}):
        events = ({"choices": [{"text": "b", "logprobs": field}]}, *completion_events())
        async with upstream_engine(vllm(*events)) as engine:
            request = GenerateRequest(await engine.tokenize("x"), 1, logprobs=2)
            async with aclosing(engine.generate(request)) as stream:
                chunks += [event async for event in stream if isinstance(event, Chunk)]

    top = [TokenAlternative(-1, b"a", -0.1), TokenAlternative(-1, b"c", -3.0)]
    assert [chunk.tokens for chunk in chunks] == [[TokenLogprob(-1, b"b", -2.0, top)]] * 2


async def test_other_servers_receive_no_prefill_requests() -> None:
    server = vllm()
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("x")
        await collect_answer(engine, GenerateRequest(prompt, 0, lane=Lane.BACKGROUND))

    assert server.sent_to("/v1/completions") == []


async def test_embeddings_are_normalized_to_unit_length() -> None:
    answer = {"data": [{"embedding": [3.0, 4.0]}, {"embedding": [0.0, 2.0]}]}
    server = vllm(embeddings=lambda body: Answer(answer))
    async with upstream_engine(server) as engine:
        vectors = await engine.embed([await engine.tokenize("one"), await engine.tokenize("two")])

    assert vectors == [[0.6, 0.8], [0.0, 1.0]]
    assert server.sent_to("/v1/embeddings") == [
        {"model": "Qwen/Qwen2.5-Coder-7B", "input": ["one", "two"]}
    ]


async def test_the_speed_of_a_server_is_measured_with_random_words() -> None:
    server = vllm(*completion_events("a", "b"))
    async with upstream_engine(server) as engine:
        async with aclosing(engine.calibrate(Setup(), 0.0, wait_for_idle_cpu=False)) as steps:
            progress, result = [step async for step in steps]

    (sent,) = server.sent_to("/v1/completions")
    assert isinstance(progress, CalibrationProgress)
    assert isinstance(result, Calibration)
    assert (list(result.speed.prefill), list(result.speed.decode)) == ([9], [9])
    assert {len(word) for word in sent["prompt"].split()} == {4}


# --- tools ---------------------------------------------------------------------------------------


WEATHER = ToolDefinition(
    "weather", "Reports the weather.", {"type": "object", "properties": {"town": {}}}
)
CALL = '{"name": "weather", "arguments": {"town": "Paris"}}'


async def ask_with_tool(engine: Engine, choice: ToolChoice) -> list[ChatEvent]:
    """Ask a question that a tool can answer, and return the events except the last."""
    chat = ChatService(engine, Live(ChatSection(system_prompt="Be brief.")), lambda: "call-1")
    question = (UserMessage("Sunny?"),)
    request = ChatRequest(question, max_tokens=9, tools=ToolSet((WEATHER,), choice))
    async with aclosing(chat.stream_events(request)) as events:
        return [event async for event in events if not isinstance(event, Finished)]


async def test_a_required_tool_call_is_constrained_to_its_schema_by_the_llama_server() -> None:
    server = llama_server(completion=llama_server_answer(CALL))
    async with upstream_engine(server) as engine:
        events = await ask_with_tool(engine, ToolChoice.REQUIRED)

    (sent,) = server.sent_to("/completion")
    assert ToolCall("call-1", "weather", '{"town": "Paris"}') in events
    assert sent["prompt"][-1] == "<tool_call>\n"
    assert sent["json_schema"]["properties"]["name"] == {"const": "weather"}


async def test_an_optional_tool_call_is_requested_in_the_prompt_and_parsed() -> None:
    server = vllm(*chat_events("<tool_call>\n", CALL, "\n</tool_call>"))
    async with upstream_engine(server) as engine:
        events = await ask_with_tool(engine, ToolChoice.AUTO)

    (sent,) = server.sent_to("/v1/chat/completions")
    assert events == [ToolCall("call-1", "weather", '{"town": "Paris"}')]
    assert '"name": "weather"' in sent["messages"][0]["content"]
    assert "response_format" not in sent


# --- refusals and failures -----------------------------------------------------------------------


async def test_closing_an_answer_closes_the_connection() -> None:
    event = {"content": "a", "stop": False}
    server = llama_server(completion=lambda body: Answer(events=(event,), holds=True))
    async with upstream_engine(server) as engine:
        request = GenerateRequest(await engine.tokenize("x"), 8)
        async with aclosing(engine.generate(request)) as events:
            assert isinstance(await anext(events), Chunk)
        await asyncio.wait_for(server.disconnected.wait(), 30)
        assert engine.stats().running == 0


async def test_requests_that_no_server_can_answer_are_refused() -> None:
    server = vllm(*completion_events("x"))
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("x")
        with pytest.raises(InvalidRequest, match="does not report log probabilities of prompts"):
            await collect_answer(engine, GenerateRequest(prompt, 8, prompt_logprobs=True))
        with pytest.raises(InvalidRequest, match="token ids of a model's vocabulary"):
            await collect_answer(engine, GenerateRequest([17], 8))
        with pytest.raises(InvalidRequest, match="token ids of a model's vocabulary"):
            await engine.detokenize([17])

    assert server.sent_to("/v1/completions") == []


TOO_LONG = {"error": {"message": "the request exceeds it", "type": "exceed_context_size_error"}}
VLLM_TOO_LONG = {"message": "This model's maximum context length is 4096 tokens.", "code": 400}


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, TOO_LONG, ContextOverflow, "answers 400: the request exceeds it"),
        (
            400,
            VLLM_TOO_LONG,
            ContextOverflow,
            "This model's maximum context length is 4096 tokens.",
        ),
        (400, {"error": {"message": "bad"}}, InvalidRequest, "/completion answers 400: bad"),
        (429, {"error": {"message": "many"}}, EngineBusy, "/completion answers 429: many"),
        (401, {"error": {"message": "no"}}, UpstreamFailed, "refuses the key (401)"),
        (500, "a bare text", UpstreamFailed, '/completion answers 500: "a bare text"'),
    ],
)
async def test_a_refusal_is_reported_with_the_servers_own_words(
    status: int, body: Any, kind: type[CopilotdError], message: str
) -> None:
    server = llama_server(completion=lambda request: Answer(body, status))
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("x")
        with pytest.raises(kind) as raised:
            await collect_answer(engine, GenerateRequest(prompt, 8))

        assert server.url in raised.value.message
        assert message in raised.value.message
        assert engine.is_down is (kind is UpstreamFailed)


async def test_an_error_in_the_middle_of_an_answer_fails_the_request() -> None:
    failed = {"error": {"message": "out of memory", "code": 500}}
    server = llama_server(completion=lambda body: Answer(events=({"content": "a"}, failed)))
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("x")
        with pytest.raises(UpstreamFailed, match="answers 500: out of memory"):
            await collect_answer(engine, GenerateRequest(prompt, 8))


async def test_a_broken_connection_fails_the_request() -> None:
    server = llama_server(completion=lambda b: Answer(events=({"content": "a"},), breaks=True))
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("x")
        with pytest.raises(UpstreamFailed, match=f"{server.url} ended the connection"):
            await collect_answer(engine, GenerateRequest(prompt, 8))


@pytest.mark.parametrize(
    "server",
    [
        llama_server(completion=lambda body: Answer(events=({"content": "a"},))),
        vllm({"choices": [{"text": "a"}]}),
    ],
)
async def test_a_stream_that_ends_without_a_finish_reason_fails_the_request(
    server: FakeUpstream,
) -> None:
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("x")
        with pytest.raises(UpstreamFailed, match=f"{server.url} ended in the middle of an answer"):
            await collect_answer(engine, GenerateRequest(prompt, 8))


async def test_half_a_surrogate_pair_is_sent_as_a_question_mark() -> None:
    server = vllm(*completion_events("x"))
    async with upstream_engine(server) as engine:
        prompt = await engine.tokenize("a\ud800")
        await collect_answer(engine, GenerateRequest(prompt, 8, tail="\ud800\n"))

    assert server.sent_to("/v1/completions")[0]["prompt"] == "a??\n"


async def test_a_silent_server_fails_the_request() -> None:
    server = vllm(completions=lambda body: Answer(holds=True))
    async with upstream_engine(server, timeout_s=0.2) as engine:
        # On a busy machine, the first request may run into the timeout too.
        with pytest.raises(UpstreamFailed, match=r"was silent for 0\.2 s"):
            await collect_answer(engine, GenerateRequest(await engine.tokenize("x"), 8))


async def test_a_server_without_a_model_list_is_refused() -> None:
    async with upstream_engine(FakeUpstream({})) as engine:
        with pytest.raises(UpstreamFailed) as raised:
            await engine.info()

    assert raised.value.message.endswith(" has no /v1/models")
    assert (
        raised.value.hint == "upstream.url must be the root URL of a llama-server, vLLM or SGLang."
    )


async def test_a_model_that_is_not_offered_is_refused_with_the_list_of_offered_models() -> None:
    async with upstream_engine(vllm(), model="other") as engine:
        with pytest.raises(UpstreamFailed, match="does not offer other") as raised:
            await engine.info()

    assert raised.value.hint == "It has Qwen/Qwen2.5-Coder-7B."


async def test_the_key_is_sent_but_never_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = vllm(completions=lambda body: Answer({"message": "no"}, 401))
    async with upstream_engine(server, key="s3cret") as engine:
        prompt = await engine.tokenize("x")
        with pytest.raises(UpstreamFailed) as raised:
            await collect_answer(engine, GenerateRequest(prompt, 8))

    assert {headers["authorization"] for headers in server.headers} == {"Bearer s3cret"}
    assert raised.value.hint == "Set upstream.key or upstream.key_file."
    shown = (*caplog.messages, str(raised.value), repr(engine.status()), repr(engine.state))
    assert "s3cret" not in json.dumps(shown)


async def test_the_key_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s3cret\n")
    server = vllm()
    async with upstream_engine(server, key_file=str(file)) as engine:
        await engine.info()

    assert {headers["authorization"] for headers in server.headers} == {"Bearer s3cret"}


# --- up and down ---------------------------------------------------------------------------------


async def wait_for_phase(engine: Any, phase: Phase) -> None:
    """Wait until the engine is in `phase`."""
    reached = asyncio.Event()
    unsubscribe = engine.subscribe(lambda state: reached.set() if state.phase is phase else None)
    if engine.state.phase is not phase:
        await asyncio.wait_for(reached.wait(), 30)
    unsubscribe()


async def test_a_server_that_is_down_is_left_alone_until_a_probe_finds_it_up_again() -> None:
    server = vllm(*completion_events("x"))
    async with upstream_engine(server) as engine:
        await server.stop()
        with pytest.raises(UpstreamFailed) as raised:
            await engine.info()
        with pytest.raises(UpstreamFailed) as again:
            await engine.info()
        down = engine.status()

        await server.start()
        await wait_for_phase(engine, Phase.READY)
        text, _ = await collect_answer(engine, GenerateRequest(await engine.tokenize("x"), 8))

    assert again.value is raised.value
    assert raised.value.message.startswith(f"nothing answers at {server.url}: ")
    assert raised.value.hint == "Is it running, and is upstream.url right? Run copilotd doctor."
    assert (down.answers, down.detail, down.url) == (False, raised.value.message, server.url)
    assert text == "x"
    assert engine.stats().restarts == 1


@pytest.mark.parametrize("change", ["gone", "another model"])
async def test_an_idle_server_is_checked_periodically(change: str) -> None:
    offered = [{"id": "qwen2.5-coder-7b"}]
    server = vllm(models=lambda body: Answer({"data": offered}))
    async with upstream_engine(server, check_every_s=0.05) as engine:
        assert (await engine.info()).name == "qwen2.5-coder-7b"

        if change == "gone":
            await server.stop()
        else:
            offered[0] = {"id": "codestral"}
        await wait_for_phase(engine, Phase.FAILED)
        if change == "gone":
            await server.start()
        await wait_for_phase(engine, Phase.READY)

        names = {"gone": "qwen2.5-coder-7b", "another model": "codestral"}
        assert (await engine.info()).name == names[change]


async def test_a_server_that_is_loading_its_model_is_not_ready() -> None:
    loading = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
    server = FakeUpstream({"/props": lambda body: Answer(loading, 503)})
    async with upstream_engine(server) as engine:
        with pytest.raises(UpstreamFailed, match="503: Loading model") as raised:
            await engine.info()

    assert raised.value.hint == "It may be loading its model: try again in a moment."
