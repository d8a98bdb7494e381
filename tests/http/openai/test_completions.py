from typing import Any

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, GenerateRequest, Lane, Sampling
from tests.http.fake_engines import STOP, ScriptedEngine, token_logprob
from tests.http.http_server import JSON, RunningServer, run_server, usage, without_meta

PATH = "/v1/completions"


def choice(text: str, index: int = 0, reason: str | None = "stop") -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}


def whole(*choices: dict[str, Any], cost: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "text_completion",
        "model": "local",
        "choices": list(choices),
        "usage": cost,
    }


def piece(text: str, index: int = 0, reason: str | None = None) -> dict[str, Any]:
    return {
        "object": "text_completion",
        "model": "local",
        "choices": [choice(text, index, reason)],
    }


async def test_a_minimal_request_of_the_documentation_gets_a_response_in_openais_shape(
    paris: RunningServer,
) -> None:
    prompt = "\n\n### Instructions:\nWhat is the capital of France?\n\n### Response:\n"
    body = {"prompt": prompt, "stop": ["\n", "###"]}

    response = await paris.post(PATH, body, **JSON)

    assert response.status_code == 200
    assert without_meta(response.json(), "cmpl") == whole(
        choice("Paris"), cost=usage(prompt=len(prompt), completion=5)
    )
    assert paris.engine.requests == [
        GenerateRequest(
            prompt=[ord(c) for c in prompt],
            max_tokens=16,
            stop=["\n", "###"],
            lane=Lane.COMPLETION,
        )
    ]


async def test_with_a_suffix_the_model_fills_in_the_middle() -> None:
    async with run_server(FakeEngine(lambda prompt: f"[{prompt}]")) as server:
        response = await server.post(PATH, {"prompt": "a(", "suffix": ")", "max_tokens": 99})

    assert response.json()["choices"] == [choice("[<PRE>a(<SUF>)<MID>]")]


async def test_with_an_empty_suffix_the_model_still_fills_in_the_middle() -> None:
    async with run_server(FakeEngine(lambda prompt: prompt)) as server:
        response = await server.post(PATH, {"prompt": "a", "suffix": "", "max_tokens": 99})

    assert response.json()["choices"] == [choice("<PRE>a<SUF><MID>")]


async def test_the_completion_has_at_most_max_tokens_tokens(paris: RunningServer) -> None:
    response = await paris.post(PATH, {"prompt": "x", "max_tokens": 3})

    assert without_meta(response.json(), "cmpl") == whole(
        choice("Par", reason="length"), cost=usage(1, 3)
    )


async def test_stop_can_be_one_string(paris: RunningServer) -> None:
    response = await paris.post(PATH, {"prompt": "x", "stop": "r"})

    assert response.json()["choices"] == [choice("Pa")]


async def test_null_and_minus_one_mean_as_many_tokens_as_fit(paris: RunningServer) -> None:
    for nothing in (None, -1):
        await paris.post(PATH, {"prompt": "x", "max_tokens": nothing})

    assert [request.max_tokens for request in paris.engine.requests] == [4095, 4095]


async def test_every_form_of_prompt_is_accepted() -> None:
    async with run_server(FakeEngine(lambda prompt: f"<{prompt}>")) as server:
        texts = [
            [c["text"] for c in (await server.post(PATH, {"prompt": p})).json()["choices"]]
            for p in ("ab", ["ab", "c"], [97, 98], [[97, 98], [99]])
        ]

    assert texts == [["<ab>"], ["<ab>", "<c>"], ["<ab>"], ["<ab>", "<c>"]]


async def test_choices_of_several_prompts_are_numbered_prompt_by_prompt() -> None:
    async with run_server(FakeEngine(lambda prompt: prompt.upper())) as server:
        body = {"prompt": ["a", "bc"], "n": 2, "best_of": 2}
        response = await server.post(PATH, body)

    assert without_meta(response.json(), "cmpl") == whole(
        choice("A", 0), choice("A", 1), choice("BC", 2), choice("BC", 3), cost=usage(3, 6)
    )


async def test_each_choice_has_a_seed_of_its_own(paris: RunningServer) -> None:
    await paris.post(PATH, {"prompt": "x", "n": 3, "seed": 40, "temperature": 1})

    assert [request.sampling.seed for request in paris.engine.requests] == [40, 41, 42]


async def test_a_seed_of_minus_one_is_none(paris: RunningServer) -> None:
    await paris.post(PATH, {"prompt": "x", "seed": -1})

    assert paris.engine.requests[0].sampling.seed is None


async def test_all_sampling_parameters_reach_the_engine(paris: RunningServer) -> None:
    body = {
        "prompt": "x",
        "temperature": 0.5,
        "top_p": 0.25,
        "top_k": 7,
        "min_p": 0.125,
        "repeat_penalty": 1.5,
        "presence_penalty": -1,
        "frequency_penalty": 2,
        "logit_bias": {"5": -100},
        "seed": 9,
        "user": "somebody",
    }
    await paris.post(PATH, body)

    assert paris.engine.requests[0].sampling == Sampling(
        temperature=0.5,
        top_p=0.25,
        top_k=7,
        min_p=0.125,
        repeat_penalty=1.5,
        presence_penalty=-1,
        frequency_penalty=2,
        seed=9,
        logit_bias={5: -100},
    )


async def test_echo_puts_the_prompt_before_the_text(paris: RunningServer) -> None:
    texts = await paris.post(PATH, {"prompt": "x: ", "echo": True})
    tokens = await paris.post(PATH, {"prompt": [120, 58, 32], "echo": True})

    assert texts.json()["choices"] == tokens.json()["choices"] == [choice("x: Paris")]


async def test_log_probabilities_come_as_parallel_lists() -> None:
    engine = ScriptedEngine(
        Chunk("Par", [token_logprob("Par", -0.25, Par=-0.25, Lon=-2.0)]),
        Chunk("is", [token_logprob("is", -3.5, ut=-0.5)]),
        STOP,
    )
    async with run_server(engine) as server:
        response = await server.post(PATH, {"prompt": "x: ", "logprobs": 2})

    assert response.json()["choices"][0]["logprobs"] == {
        "tokens": ["Par", "is"],
        "token_logprobs": [-0.25, -3.5],
        "top_logprobs": [{"Par": -0.25, "Lon": -2.0}, {"ut": -0.5, "is": -3.5}],
        "text_offset": [3, 6],
    }
    assert engine.requests[0].logprobs == 2
    assert engine.requests[0].prompt_logprobs is False


async def test_echo_with_log_probabilities_scores_the_prompt_as_well() -> None:
    engine = ScriptedEngine(
        Chunk("", [token_logprob("x", None), token_logprob(":", -1.0, y=-0.5)], is_prompt=True),
        Chunk("!", [token_logprob("!", -2.0)]),
        STOP,
    )
    async with run_server(engine) as server:
        response = await server.post(PATH, {"prompt": "x:", "logprobs": 1, "echo": True})

    assert response.json()["choices"] == [
        {
            "text": "x:!",
            "index": 0,
            "logprobs": {
                "tokens": ["x", ":", "!"],
                "token_logprobs": [None, -1.0, -2.0],
                "top_logprobs": [None, {"y": -0.5, ":": -1.0}, {"!": -2.0}],
                "text_offset": [0, 1, 2],
            },
            "finish_reason": "stop",
        }
    ]
    assert engine.requests[0].prompt_logprobs is True


async def test_a_token_that_is_half_a_character_is_reported_as_bytes() -> None:
    engine = ScriptedEngine(
        Chunk(
            "é!",
            [token_logprob(b"\xc3", -1.0), token_logprob(b"\xa9", -1.0), token_logprob("!", -1.0)],
        ),
        STOP,
    )
    async with run_server(engine) as server:
        response = await server.post(PATH, {"prompt": "x", "logprobs": 0})

    assert response.json()["choices"][0]["logprobs"] == {
        "tokens": ["bytes:\\xc3", "bytes:\\xa9", "!"],
        "token_logprobs": [-1.0, -1.0, -1.0],
        "top_logprobs": [{"bytes:\\xc3": -1.0}, {"bytes:\\xa9": -1.0}, {"!": -1.0}],
        "text_offset": [1, 1, 2],
    }


async def test_a_stream_has_pieces_then_the_finish_reason_then_done() -> None:
    async with run_server(FakeEngine("Hi")) as server:
        sent = await server.stream(PATH, {"prompt": "x"}, "cmpl")

    assert sent == [piece("H"), piece("i"), piece("", reason="stop"), "[DONE]"]


async def test_a_stream_ends_with_usage_if_asked_for(paris: RunningServer) -> None:
    body = {"prompt": "x", "max_tokens": 1, "stream_options": {"include_usage": True}}

    sent = await paris.stream(PATH, body, "cmpl")

    assert sent == [
        piece("P"),
        piece("", reason="length"),
        whole(cost=usage(1, 1)),
        "[DONE]",
    ]


async def test_the_choices_of_a_stream_are_interleaved() -> None:
    async with run_server(FakeEngine(lambda prompt: prompt * 2)) as server:
        sent = await server.stream(PATH, {"prompt": ["a", "b"]}, "cmpl")

    assert sent == [
        piece("a", 0),
        piece("b", 1),
        piece("a", 0),
        piece("b", 1),
        piece("", 0, "stop"),
        piece("", 1, "stop"),
        "[DONE]",
    ]


async def test_a_stream_echoes_the_prompt_first() -> None:
    async with run_server(FakeEngine("!")) as server:
        sent = await server.stream(PATH, {"prompt": "x", "echo": True}, "cmpl")

    assert sent == [piece("x"), piece("!"), piece("", reason="stop"), "[DONE]"]


async def test_an_empty_completion_is_a_completion() -> None:
    async with run_server(FakeEngine("")) as server:
        response = await server.post(PATH, {"prompt": "x"})
        sent = await server.stream(PATH, {"prompt": "x"}, "cmpl")

    assert response.json()["choices"] == [choice("")]
    assert sent == [piece("", reason="stop"), "[DONE]"]


async def test_tokens_reused_from_the_cache_are_reported() -> None:
    async with run_server(ScriptedEngine(Chunk("ok"), STOP)) as server:
        response = await server.post(PATH, {"prompt": "x", "n": 2})

    assert response.json()["usage"] == usage(prompt=5, completion=4, cached=3)
