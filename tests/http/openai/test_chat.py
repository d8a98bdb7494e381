from typing import Any

from copilotd.config import ChatSection
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, GenerateRequest, Sampling
from tests.http.fake_engines import STOP, ScriptedEngine, token_logprob
from tests.http.http_server import JSON, RunningServer, run_server, usage, without_meta

PATH = "/v1/chat/completions"
ASK = {"messages": [{"role": "user", "content": "Hi"}]}


def choice(text: str, index: int = 0, reason: str = "stop") -> dict[str, Any]:
    return {
        "index": index,
        "message": {"role": "assistant", "content": text},
        "logprobs": None,
        "finish_reason": reason,
    }


def piece(delta: dict[str, str], index: int = 0, reason: str | None = None) -> dict[str, Any]:
    return {
        "object": "chat.completion.chunk",
        "model": "local",
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}],
    }


ROLE = {"role": "assistant", "content": ""}


async def test_a_minimal_request_of_the_documentation_gets_a_response_in_openais_shape(
    paris: RunningServer,
) -> None:
    body = {
        "messages": [
            {"content": "You are a helpful assistant.", "role": "system"},
            {"content": "What is the capital of France?", "role": "user"},
        ]
    }
    prompt = (
        "<system>You are a helpful assistant.</system>"
        "<user>What is the capital of France?</user><assistant>"
    )

    response = await paris.post(PATH, body, **JSON)

    assert response.status_code == 200
    assert without_meta(response.json(), "chatcmpl") == {
        "object": "chat.completion",
        "model": "local",
        "choices": [choice("Paris")],
        "usage": usage(len(prompt), 5),
    }
    assert paris.engine.requests == [
        GenerateRequest(
            prompt=[ord(c) for c in prompt],
            max_tokens=1024,
            sampling=Sampling(temperature=0.2),
        )
    ]


async def test_the_settings_have_the_defaults_for_fields_that_the_client_leaves_out() -> None:
    settings = ChatSection(system_prompt="Be terse.", temperature=0.75, max_tokens=2)
    async with run_server(FakeEngine(lambda prompt: prompt), chat=settings) as server:
        response = await server.post(PATH, ASK | {"top_p": 0.5})

    assert response.json()["choices"] == [choice("<s", reason="length")]
    assert server.engine.requests[0].sampling == Sampling(temperature=0.75, top_p=0.5)


async def test_text_parts_are_joined_and_developer_means_system() -> None:
    body = {
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": t} for t in ("Hel", "lo")]},
        ]
    }
    async with run_server(FakeEngine(lambda prompt: prompt)) as server:
        response = await server.post(PATH, body)

    expected = "<system>Be kind.</system><user>Hello</user><assistant>"
    assert response.json()["choices"] == [choice(expected)]


async def test_both_names_of_the_token_limit_count(paris: RunningServer) -> None:
    new = await paris.post(PATH, ASK | {"max_completion_tokens": 2})
    old = await paris.post(PATH, ASK | {"max_tokens": 3})
    none = await paris.post(PATH, ASK | {"max_tokens": -1})

    answers = [response.json()["choices"] for response in (new, old, none)]
    assert answers == [
        [choice("Pa", reason="length")],
        [choice("Par", reason="length")],
        [choice("Paris")],
    ]


async def test_several_choices_share_the_prompt_in_the_usage(paris: RunningServer) -> None:
    response = await paris.post(PATH, ASK | {"n": 2, "seed": 1})

    assert response.json()["choices"] == [choice("Paris", 0), choice("Paris", 1)]
    assert response.json()["usage"] == usage(len("<user>Hi</user><assistant>"), 10)
    assert [request.sampling.seed for request in paris.engine.requests] == [1, 2]


async def test_log_probabilities_come_with_their_bytes() -> None:
    engine = ScriptedEngine(Chunk("é", [token_logprob("é", -0.5, e=-1.5)]), STOP)
    async with run_server(engine) as server:
        body = ASK | {"logprobs": True, "top_logprobs": 1}
        response = await server.post(PATH, body)

    assert response.json()["choices"][0]["logprobs"] == {
        "content": [
            {
                "token": "é",
                "logprob": -0.5,
                "bytes": [195, 169],
                "top_logprobs": [{"token": "e", "logprob": -1.5, "bytes": [101]}],
            }
        ]
    }
    assert engine.requests[0].logprobs == 1


async def test_log_probabilities_without_alternatives_ask_for_none(paris: RunningServer) -> None:
    await paris.post(PATH, ASK | {"logprobs": True})
    await paris.post(PATH, ASK)

    assert [request.logprobs for request in paris.engine.requests] == [0, None]


async def test_a_stream_begins_with_the_role_and_ends_with_a_reason() -> None:
    async with run_server(FakeEngine("Hi")) as server:
        sent = await server.stream(PATH, ASK, "chatcmpl")

    assert sent == [
        piece(ROLE),
        piece({"content": "H"}),
        piece({"content": "i"}),
        piece({}, reason="stop"),
        "[DONE]",
    ]


async def test_each_choice_of_a_stream_has_its_role() -> None:
    async with run_server(FakeEngine("!")) as server:
        body = ASK | {"n": 2, "stream_options": {"include_usage": True}}
        sent = await server.stream(PATH, body, "chatcmpl")

    assert sent == [
        piece(ROLE, 0),
        piece({"content": "!"}, 0),
        piece(ROLE, 1),
        piece({"content": "!"}, 1),
        piece({}, 0, "stop"),
        piece({}, 1, "stop"),
        {
            "object": "chat.completion.chunk",
            "model": "local",
            "choices": [],
            "usage": usage(len("<user>Hi</user><assistant>"), 2),
        },
        "[DONE]",
    ]


async def test_an_empty_answer_still_has_its_role() -> None:
    async with run_server(FakeEngine("")) as server:
        sent = await server.stream(PATH, ASK, "chatcmpl")

    assert sent == [piece(ROLE), piece({}, reason="stop"), "[DONE]"]


async def test_unsupported_fields_with_default_values_are_accepted(paris: RunningServer) -> None:
    harmless: dict[str, Any] = {
        "tools": [],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "functions": None,
        "parallel_tool_calls": True,
        "store": False,
        "unknown": 1,
    }

    response = await paris.post(PATH, ASK | harmless)

    assert response.json()["choices"] == [choice("Paris")]
