"""/completion in llama-server's shape."""

import math
from typing import Any

import pytest
from msgspec.structs import replace

from copilotd.config import LlamaCppSection
from copilotd.engine.fake import END, FAKE_MODEL, FakeEngine
from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    Sampling,
    TokenAlternative,
    TokenLogprob,
    Usage,
)
from copilotd.errors import EngineDied
from tests.http.fake_engines import ScriptedEngine
from tests.http.http_server import parse_events, run_server

PATH = "/completion"


def token(id: int, text: str, *top: TokenAlternative) -> TokenLogprob:
    return TokenLogprob(id, text.encode(), -0.5, list(top))


COST = Usage(5, 3, 3, prefill_ms=10.0, decode_ms=40.0)
TIMINGS = {
    "cache_n": 3,
    "prompt_n": 2,
    "prompt_ms": 10.0,
    "prompt_per_token_ms": 5.0,
    "prompt_per_second": 200.0,
    "predicted_n": 3,
    "predicted_ms": 40.0,
    "predicted_per_token_ms": 20.0,
    "predicted_per_second": 50.0,
}


async def test_a_completion_has_llama_servers_fields() -> None:
    engine = ScriptedEngine(Chunk("a\n"), Chunk("b"), Finished(FinishReason.STOP, COST, "END"))
    body = {"prompt": "Hi<END>", "stop": ["END"], "n_predict": 9, "seed": 7, "temperature": 0.0}
    async with run_server(engine) as server:
        response = await server.post(PATH, body)

    assert response.status_code == 200
    answer = response.json()
    settings = answer.pop("generation_settings")
    assert answer == {
        "index": 0,
        "content": "a\nb",
        "tokens": [],
        "id_slot": 0,
        "stop": True,
        "model": "local",
        "tokens_predicted": 3,
        "tokens_evaluated": 5,
        "tokens_cached": 3,
        "prompt": "Hi<END>",
        "has_new_line": True,
        "truncated": False,
        "stop_type": "word",
        "stopping_word": "END",
        "timings": TIMINGS,
    }
    assert (settings["n_predict"], settings["seed"], settings["stop"]) == (9, 7, ["END"])
    [request] = engine.requests
    assert (request.prompt, request.max_tokens, request.stop) == ([72, 105, END], 9, ["END"])


async def test_tokens_and_their_probabilities_are_reported_on_request() -> None:
    other = TokenAlternative(8, b"\xf0\x9f", -2.0)
    engine = ScriptedEngine(
        Chunk("ab", [token(1, "a", other), token(2, "b")]), Finished(FinishReason.STOP, COST)
    )
    body = {"prompt": "x", "n_probs": 1, "return_tokens": True, "response_fields": []}
    async with run_server(engine) as server:
        answer = (await server.post(PATH, body)).json()

    assert (answer["tokens"], answer["stop_type"]) == ([1, 2], "eos")
    assert answer["completion_probabilities"] == [
        {
            "id": 1,
            "token": "a",
            "bytes": [97],
            "logprob": -0.5,
            "top_logprobs": [{"id": 8, "token": "", "bytes": [240, 159], "logprob": -2.0}],
        },
        {"id": 2, "token": "b", "bytes": [98], "logprob": -0.5, "top_logprobs": []},
    ]
    assert engine.requests[0].logprobs == 1


async def test_a_stream_is_pieces_with_tokens_and_an_end_without_content() -> None:
    engine = ScriptedEngine(
        Chunk("a\n", [token(1, "a\n")], usage=Usage(5, 3)),
        Chunk("b", [token(2, "b")]),
        Finished(FinishReason.LENGTH, COST),
    )
    fields = ["content", "has_new_line", "stop", "timings/cache_n", "stop_type"]
    async with run_server(engine) as server:
        response = await server.post(
            PATH, {"prompt": "x", "stream": True, "response_fields": fields}
        )

    piece = {"index": 0, "stop": False, "id_slot": 0, "tokens_evaluated": 5}
    assert parse_events(response.text) == [
        piece | {"content": "a\n", "tokens": [1], "tokens_predicted": 1},
        piece | {"content": "b", "tokens": [2], "tokens_predicted": 2},
        {
            "content": "",
            "has_new_line": True,
            "stop": True,
            "timings/cache_n": 3,
            "stop_type": "limit",
        },
    ]


async def test_an_error_in_a_stream_is_its_last_event() -> None:
    engine = ScriptedEngine(Chunk("a", [token(1, "a")]), EngineDied("the worker ended"))
    async with run_server(engine) as server:
        response = await server.post(PATH, {"prompt": "x", "stream": True})

    assert parse_events(response.text)[-1] == {
        "error": {"code": 503, "message": "the worker ended.", "type": "unavailable_error"}
    }


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        ("ab", [[97, 98]]),
        ([1, 2], [[1, 2]]),
        ([1, "ab", 2], [[1, 97, 98, 2]]),
        (["a", [1, 2], [3, "b"]], [[97], [1, 2], [3, 98]]),
        ({"prompt_string": "a"}, [[97]]),
        ([[1], {"prompt_string": "a"}], [[1], [97]]),
    ],
)
async def test_prompts_are_text_or_tokens_or_both(prompt: Any, tokens: list[list[int]]) -> None:
    async with run_server() as server:
        response = await server.post(PATH, {"prompt": prompt})

    assert [request.prompt for request in server.engine.requests] == tokens
    answers = response.json() if len(tokens) > 1 else [response.json()]
    assert [answer["index"] for answer in answers] == list(range(len(tokens)))


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([], "prompt: should not be empty."),
        ({"prompt_string": "a", "multimodal_data": ["x"]}, "accepts text only"),
        ([["a", "b"]], "prompt: should be a text, a list of token ids"),
        (7, "prompt: should be a text, a list of token ids"),
    ],
)
async def test_other_prompts_are_refused_in_llama_servers_shape(prompt: Any, message: str) -> None:
    async with run_server() as server:
        response = await server.post(PATH, {"prompt": prompt})

    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["type"]) == (400, "invalid_request_error")
    assert message in error["message"]


async def test_a_text_prompt_gets_the_models_bos_token() -> None:
    engine = FakeEngine("x", info=replace(FAKE_MODEL, bos=1, add_bos=True))
    async with run_server(engine) as server:
        await server.post(PATH, {"prompt": ["a", [97], [2, "a"], ""]})

    assert [request.prompt for request in engine.requests] == [[1, 97], [97], [2, 97], [1]]


async def test_the_settings_have_the_defaults_for_fields_that_a_client_leaves_out() -> None:
    section = LlamaCppSection(n_predict=4, temperature=0.5, seed=42)
    async with run_server(FakeEngine("Paris, of course"), llama_cpp=section) as server:
        short = (await server.post(PATH, {"prompt": "x"})).json()
        long = (await server.post(PATH, {"prompt": "x", "n_predict": 5, "seed": -1})).json()

    assert [a["content"] for a in (short, long)] == ["Pari", "Paris"]
    assert [a["generation_settings"]["seed"] for a in (short, long)] == [42, -1]
    first, second = server.engine.requests
    assert (first.sampling.seed, first.sampling.temperature) == (42, 0.5)
    assert second.sampling.seed is None


async def test_zero_tokens_only_evaluates_the_prompt() -> None:
    async with run_server() as server:
        answer = (await server.post(PATH, {"prompt": "x", "n_predict": 0})).json()

    assert (answer["content"], answer["stop_type"], answer["truncated"]) == ("", "limit", False)
    assert server.engine.requests[0].max_tokens == 0


async def test_a_completion_that_fills_the_context_is_truncated() -> None:
    engine = FakeEngine("Paris", info=replace(FAKE_MODEL, n_ctx=4))
    async with run_server(engine) as server:
        answer = (await server.post(PATH, {"prompt": "x"})).json()

    assert (answer["content"], answer["truncated"]) == ("Par", True)


async def test_the_error_of_a_prompt_that_exceeds_the_context_has_both_sizes() -> None:
    async with run_server() as server:
        response = await server.post(PATH, {"prompt": "x" * 5000, "stream": True})

    assert response.status_code == 400
    assert response.json() == {
        "error": {
            "code": 400,
            "message": "the request (5000 tokens) exceeds the available context size "
            "(4096 tokens). Shorten the prompt, or raise model.n_ctx.",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 5000,
            "n_ctx": 4096,
        }
    }


async def test_samplers_reach_the_engine() -> None:
    body = {
        "prompt": "x",
        "temperature": 0.7,
        "top_k": -1,
        "top_p": 0.8,
        "min_p": 0.1,
        "typical_p": 0.9,
        "repeat_last_n": -1,
        "repeat_penalty": 1.2,
        "presence_penalty": 0.3,
        "frequency_penalty": 0.4,
        "seed": 3,
        "n_cmpl": 2,
        "stop": None,
    }
    async with run_server() as server:
        await server.post(PATH, body)

    expected = Sampling(0.7, 0, 0.8, 0.1, 0.9, 4096, 1.2, 0.3, 0.4, 3)
    assert [request.sampling for request in server.engine.requests] == [
        expected,
        replace(expected, seed=4),
    ]


@pytest.mark.parametrize(
    "bias", [[[97, -5], ["bc", 2.5], [98, False]], {"97": -5, "bc": 2.5, "b": False}]
)
async def test_tokens_are_biased_by_id_or_by_text(bias: Any) -> None:
    async with run_server() as server:
        answer = (await server.post(PATH, {"prompt": "x", "logit_bias": bias})).json()

    chosen = server.engine.requests[0].sampling.logit_bias
    assert chosen == {97: -5.0, 98: -math.inf, 99: 2.5}
    biases = {b["token"]: b["bias"] for b in answer["generation_settings"]["logit_bias"]}
    assert biases == {97: -5.0, 98: None, 99: 2.5}


async def test_ignore_eos_forbids_the_end_tokens() -> None:
    async with run_server() as server:
        await server.post(PATH, {"prompt": "x", "ignore_eos": True})

    assert server.engine.requests[0].sampling.logit_bias == {END: -math.inf}


async def test_a_grammar_in_gbnf_reaches_the_engine_in_its_own_notation() -> None:
    async with run_server() as server:
        await server.post(PATH, {"prompt": "x", "grammar": 'root ::= "yes" | "no"'})
        await server.post(PATH, {"prompt": "x", "json_schema": {"const": 1}})
        await server.post("/v1/completions", {"prompt": "x", "grammar": 'root ::= "a"{5,5}'})
        bad = await server.post(PATH, {"prompt": "x", "grammar": "root ::= (x"})

    grammars = [request.grammar for request in server.engine.requests]
    texts = [grammar.text if grammar else "" for grammar in grammars]
    assert 'start: "yes"\n     | "no"' in texts[0]
    assert texts[1].startswith("start: %json") and '"const": 1' in texts[1]
    assert 'start: "a"{5,5}' in texts[2]
    assert bad.status_code == 400
    assert "the grammar is not GBNF" in bad.json()["error"]["message"]


@pytest.mark.parametrize("name", ["mirostat", "dry_multiplier", "xtc_probability", "top_n_sigma"])
async def test_a_sampler_that_does_not_exist_is_refused_unless_it_is_off(name: str) -> None:
    async with run_server() as server:
        off = await server.post(PATH, {"prompt": "x", name: 0})
        on = await server.post(PATH, {"prompt": "x", name: 1})

    assert (off.status_code, on.status_code) == (200, 400)
    assert on.json()["error"]["message"] == f"{name}: is not supported; leave it out."
