import base64
import struct
from typing import Any

import msgspec

from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from tests.http.http_server import JSON, RunningServer, run_server

PATH = "/v1/embeddings"


def answer(*vectors: object, tokens: int) -> dict[str, Any]:
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ],
        "model": "local",
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


async def test_a_minimal_request_of_the_documentation_gets_a_response_in_openais_shape(
    paris: RunningServer,
) -> None:
    text = "The food was delicious and the waiter..."

    response = await paris.post(PATH, {"input": text}, **JSON)

    assert response.status_code == 200
    assert response.json() == answer([1.0, 0.0, 0.0, 0.0], tokens=len(text))


async def test_every_form_of_input_gives_one_vector_each(paris: RunningServer) -> None:
    one, two = [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]

    answers = [
        (await paris.post(PATH, {"input": value})).json()
        for value in (["a", "bc"], [97, 98], [[97], [98, 99]])
    ]

    assert answers == [
        answer(one, two, tokens=3),
        answer(two, tokens=2),
        answer(one, two, tokens=3),
    ]


async def test_base64_holds_little_endian_floats(paris: RunningServer) -> None:
    response = await paris.post(PATH, {"input": "a", "encoding_format": "base64"})

    data = base64.b64encode(struct.pack("<4f", 0.0, 1.0, 0.0, 0.0)).decode()
    assert response.json() == answer(data, tokens=1)


async def test_the_models_own_dimensions_are_accepted(paris: RunningServer) -> None:
    response = await paris.post(PATH, {"input": "a", "dimensions": 4})

    assert response.json() == answer([0.0, 1.0, 0.0, 0.0], tokens=1)


async def test_other_dimensions_are_refused_with_the_models_own(paris: RunningServer) -> None:
    response = await paris.post(PATH, {"input": "a", "dimensions": 2})

    assert response.status_code == 400
    assert response.json() == {
        "error": {
            "message": "fake has 4 dimensions, not 2. Leave dimensions out.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_request",
        }
    }


async def test_a_text_gets_the_begin_and_end_tokens_that_the_model_was_trained_with() -> None:
    info = msgspec.structs.replace(FAKE_MODEL, opens=[1], closes=[2, 3])
    async with run_server(FakeEngine(info=info)) as server:
        answers = [
            (await server.post(PATH, {"input": value})).json()["usage"]["prompt_tokens"]
            for value in ("ab", [97, 98])
        ]
    assert answers == [5, 2]
