from typing import Any

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, GenerateRequest, Lane, Sampling
from tests.http.fake_engines import STOP, PlayedEngine, scored
from tests.http.http_server import JSON, Served, serving, unstamped, usage

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


async def test_a_bare_request_of_the_documentation_is_answered_in_openais_shape(
    paris: Served,
) -> None:
    prompt = "\n\n### Instructions:\nWhat is the capital of France?\n\n### Response:\n"
    body = {"prompt": prompt, "stop": ["\n", "###"]}

    response = await paris.post(PATH, body, **JSON)

    assert response.status_code == 200
    assert unstamped(response.json(), "cmpl") == whole(
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


async def test_a_suffix_makes_the_model_fill_in_the_middle() -> None:
    async with serving(FakeEngine(lambda prompt: f"[{prompt}]")) as served:
        response = await served.post(PATH, {"prompt": "a(", "suffix": ")", "max_tokens": 99})

    assert response.json()["choices"] == [choice("[<PRE>a(<SUF>)<MID>]")]


async def test_an_empty_suffix_still_means_to_fill_in_the_middle() -> None:
    async with serving(FakeEngine(lambda prompt: prompt)) as served:
        response = await served.post(PATH, {"prompt": "a", "suffix": "", "max_tokens": 99})

    assert response.json()["choices"] == [choice("<PRE>a<SUF><MID>")]


async def test_the_answer_ends_where_max_tokens_says(paris: Served) -> None:
    response = await paris.post(PATH, {"prompt": "x", "max_tokens": 3})

    assert unstamped(response.json(), "cmpl") == whole(
        choice("Par", reason="length"), cost=usage(1, 3)
    )


async def test_a_single_stop_string_is_as_good_as_a_list(paris: Served) -> None:
    response = await paris.post(PATH, {"prompt": "x", "stop": "r"})

    assert response.json()["choices"] == [choice("Pa")]


async def test_null_and_minus_one_mean_as_many_tokens_as_fit(paris: Served) -> None:
    for nothing in (None, -1):
        await paris.post(PATH, {"prompt": "x", "max_tokens": nothing})

    assert [request.max_tokens for request in paris.engine.requests] == [4095, 4095]


async def test_every_form_of_prompt_is_understood() -> None:
    async with serving(FakeEngine(lambda prompt: f"<{prompt}>")) as served:
        texts = [
            [c["text"] for c in (await served.post(PATH, {"prompt": p})).json()["choices"]]
            for p in ("ab", ["ab", "c"], [97, 98], [[97, 98], [99]])
        ]

    assert texts == [["<ab>"], ["<ab>", "<c>"], ["<ab>"], ["<ab>", "<c>"]]


async def test_several_choices_for_several_prompts_are_numbered_prompt_by_prompt() -> None:
    async with serving(FakeEngine(lambda prompt: prompt.upper())) as served:
        body = {"prompt": ["a", "bc"], "n": 2, "best_of": 2}
        response = await served.post(PATH, body)

    assert unstamped(response.json(), "cmpl") == whole(
        choice("A", 0), choice("A", 1), choice("BC", 2), choice("BC", 3), cost=usage(3, 6)
    )


async def test_each_choice_has_a_seed_of_its_own(paris: Served) -> None:
    await paris.post(PATH, {"prompt": "x", "n": 3, "seed": 40, "temperature": 1})

    assert [request.sampling.seed for request in paris.engine.requests] == [40, 41, 42]


async def test_a_seed_of_minus_one_is_none(paris: Served) -> None:
    await paris.post(PATH, {"prompt": "x", "seed": -1})

    assert paris.engine.requests[0].sampling.seed is None


async def test_all_sampling_parameters_reach_the_engine(paris: Served) -> None:
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


async def test_echo_puts_the_prompt_before_the_text(paris: Served) -> None:
    texts = await paris.post(PATH, {"prompt": "x: ", "echo": True})
    tokens = await paris.post(PATH, {"prompt": [120, 58, 32], "echo": True})

    assert texts.json()["choices"] == tokens.json()["choices"] == [choice("x: Paris")]


async def test_log_probabilities_come_as_parallel_lists() -> None:
    engine = PlayedEngine(
        Chunk("Par", [scored("Par", -0.25, Par=-0.25, Lon=-2.0)]),
        Chunk("is", [scored("is", -3.5, ut=-0.5)]),
        STOP,
    )
    async with serving(engine) as served:
        response = await served.post(PATH, {"prompt": "x: ", "logprobs": 2})

    assert response.json()["choices"][0]["logprobs"] == {
        "tokens": ["Par", "is"],
        "token_logprobs": [-0.25, -3.5],
        "top_logprobs": [{"Par": -0.25, "Lon": -2.0}, {"ut": -0.5, "is": -3.5}],
        "text_offset": [3, 6],
    }
    assert engine.requests[0].logprobs == 2
    assert engine.requests[0].prompt_logprobs is False


async def test_echo_with_log_probabilities_scores_the_prompt_as_well() -> None:
    engine = PlayedEngine(
        Chunk("", [scored("x", None), scored(":", -1.0, y=-0.5)], is_prompt=True),
        Chunk("!", [scored("!", -2.0)]),
        STOP,
    )
    async with serving(engine) as served:
        response = await served.post(PATH, {"prompt": "x:", "logprobs": 1, "echo": True})

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


async def test_a_token_that_is_half_a_character_is_shown_by_its_bytes() -> None:
    engine = PlayedEngine(
        Chunk("é!", [scored(b"\xc3", -1.0), scored(b"\xa9", -1.0), scored("!", -1.0)]), STOP
    )
    async with serving(engine) as served:
        response = await served.post(PATH, {"prompt": "x", "logprobs": 0})

    assert response.json()["choices"][0]["logprobs"] == {
        "tokens": ["bytes:\\xc3", "bytes:\\xa9", "!"],
        "token_logprobs": [-1.0, -1.0, -1.0],
        "top_logprobs": [{"bytes:\\xc3": -1.0}, {"bytes:\\xa9": -1.0}, {"!": -1.0}],
        "text_offset": [1, 1, 2],
    }


async def test_a_stream_is_pieces_then_a_reason_then_done() -> None:
    async with serving(FakeEngine("Hi")) as served:
        sent = await served.chunks(PATH, {"prompt": "x"}, "cmpl")

    assert sent == [piece("H"), piece("i"), piece("", reason="stop"), "[DONE]"]


async def test_a_stream_ends_with_usage_if_asked_for(paris: Served) -> None:
    body = {"prompt": "x", "max_tokens": 1, "stream_options": {"include_usage": True}}

    sent = await paris.chunks(PATH, body, "cmpl")

    assert sent == [
        piece("P"),
        piece("", reason="length"),
        whole(cost=usage(1, 1)),
        "[DONE]",
    ]


async def test_choices_of_a_stream_come_side_by_side() -> None:
    async with serving(FakeEngine(lambda prompt: prompt * 2)) as served:
        sent = await served.chunks(PATH, {"prompt": ["a", "b"]}, "cmpl")

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
    async with serving(FakeEngine("!")) as served:
        sent = await served.chunks(PATH, {"prompt": "x", "echo": True}, "cmpl")

    assert sent == [piece("x"), piece("!"), piece("", reason="stop"), "[DONE]"]


async def test_an_empty_answer_is_an_answer() -> None:
    async with serving(FakeEngine("")) as served:
        response = await served.post(PATH, {"prompt": "x"})
        sent = await served.chunks(PATH, {"prompt": "x"}, "cmpl")

    assert response.json()["choices"] == [choice("")]
    assert sent == [piece("", reason="stop"), "[DONE]"]


async def test_tokens_reused_from_the_cache_are_reported() -> None:
    async with serving(PlayedEngine(Chunk("ok"), STOP)) as served:
        response = await served.post(PATH, {"prompt": "x", "n": 2})

    assert response.json()["usage"] == usage(prompt=5, completion=4, cached=3)
