from collections.abc import AsyncIterator

import msgspec
import pytest

from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from tests.http.http_server import RunningServer, run_server

HI = [{"role": "user", "content": "Hi"}]
TALKER = msgspec.structs.replace(FAKE_MODEL, name="talker", n_embd=2)

PLACES: dict[str, dict[str, object]] = {
    "/v1/completions": {"prompt": "a"},
    "/v1/chat/completions": {"messages": HI},
    "/v1/embeddings": {"input": "a"},
}


@pytest.fixture
async def two() -> AsyncIterator[RunningServer]:
    """A server whose completion model is `local` and whose chat model is `talker`."""
    talker = FakeEngine("Hello.", info=TALKER)
    async with run_server(FakeEngine("a + b"), chat_engine=talker) as server:
        yield server


async def test_the_list_has_both(two: RunningServer) -> None:
    listed = (await two.client.get("/v1/models")).json()["data"]

    assert [model["id"] for model in listed] == ["local", "talker"]


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("/v1/completions", "local"),
        ("/v1/chat/completions", "talker"),
        ("/v1/embeddings", "local"),
    ],
)
async def test_each_endpoint_has_a_default_model_and_accepts_the_name_of_the_other(
    two: RunningServer, path: str, default: str
) -> None:
    names: list[str | None] = [None, "gpt-4o", "local", "talker", "talker.gguf"]

    answers = [
        (await two.post(path, PLACES[path] | ({"model": name} if name else {}))).json()
        for name in names
    ]

    assert [answer["model"] for answer in answers] == [
        default,
        default,
        "local",
        "talker",
        "talker",
    ]


async def test_the_named_model_generates(two: RunningServer) -> None:
    completion = await two.post("/v1/completions", {"prompt": "a", "model": "talker"})
    chat = await two.post("/v1/chat/completions", {"messages": HI, "model": "local"})
    vectors = await two.post("/v1/embeddings", {"input": "a", "model": "talker"})

    assert completion.json()["choices"][0]["text"] == "Hello."
    assert chat.json()["choices"][0]["message"]["content"] == "a + b"
    assert vectors.json()["data"][0]["embedding"] == [0.0, 1.0]


async def test_copilots_ghost_text_comes_from_the_completion_model(two: RunningServer) -> None:
    response = await two.post("/v1/engines/talker/completions", {"prompt": "a", "suffix": ""})

    assert '"text":"a + b"' in response.text
    assert len(two.engine.requests) == 1


async def test_the_embedding_model_is_the_default_for_embeddings() -> None:
    vectors = FakeEngine(info=msgspec.structs.replace(FAKE_MODEL, name="vectors", n_embd=2))
    async with run_server(FakeEngine("a + b"), embedding_engine=vectors) as server:
        answers = [
            (await server.post("/v1/embeddings", {"input": "a", **named})).json()
            for named in ({}, {"model": "text-embedding-3-small"}, {"model": "local"})
        ]
        listed = (await server.client.get("/v1/models")).json()["data"]
    assert [(a["model"], len(a["data"][0]["embedding"])) for a in answers] == [
        ("vectors", 2),
        ("vectors", 2),
        ("local", 4),
    ]
    assert [model["id"] for model in listed] == ["local", "vectors"]
