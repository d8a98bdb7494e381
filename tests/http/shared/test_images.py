"""Images in conversations, as each dialect sends them."""

import base64
from typing import Any

import httpx2
import msgspec
import pytest

from copilotd.config import ChatSection
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from tests.http.http_server import run_server

SEEING = msgspec.structs.replace(FAKE_MODEL, supports_images=True)
RED, BLUE = b"BM red", b"BM blue"
"""They begin like BMP files, which is enough where nothing decodes them."""


def base64_of(file: bytes) -> str:
    return base64.b64encode(file).decode()


def data_url(file: bytes) -> str:
    return f"data:image/bmp;base64,{base64_of(file)}"


def openai(*parts: str | bytes) -> dict[str, Any]:
    content = [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": data_url(part), "detail": "low"}}
        for part in parts
    ]
    return {"messages": [{"role": "user", "content": content}]}


def responses(*parts: str | bytes) -> dict[str, Any]:
    content = [
        {"type": "input_text", "text": part}
        if isinstance(part, str)
        else {"type": "input_image", "image_url": data_url(part)}
        for part in parts
    ]
    return {"input": [{"role": "user", "content": content}]}


def anthropic(*parts: str | bytes) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
        else:
            file = {"type": "base64", "media_type": "image/bmp", "data": base64_of(part)}
            content.append({"type": "image", "source": file})
    return {"max_tokens": 10, "messages": [{"role": "user", "content": content}]}


PATHS = {
    openai: "/v1/chat/completions",
    responses: "/v1/responses",
    anthropic: "/v1/messages",
}


async def ask(
    path: str, body: dict[str, Any], engine: FakeEngine | None = None, **chat: Any
) -> tuple[httpx2.Response, list[str]]:
    """The response, and the prompts that the model got; an image appears as its file."""
    prompts: list[str] = []

    def script(prompt: str) -> str:
        prompts.append(prompt)
        return "Red."

    engine = engine or FakeEngine(script, info=SEEING)
    async with run_server(engine, chat=ChatSection(system_prompt="", **chat)) as server:
        return await server.post(path, body), prompts


@pytest.mark.parametrize("dialect", PATHS)
async def test_an_image_keeps_its_place_in_the_prompt(dialect: Any) -> None:
    response, prompts = await ask(PATHS[dialect], dialect("this ", RED, "or ", BLUE))

    assert response.status_code == 200
    assert prompts == ["<user>this BM redor BM blue</user><assistant>"]


async def test_ollamas_images_come_before_the_text_of_their_message() -> None:
    files = [base64_of(RED), base64_of(BLUE)]
    message = {"role": "user", "content": "Which?", "images": files}
    for path, body in (
        ("/api/chat", {"messages": [message]}),
        ("/api/generate", {"prompt": "Which?", "images": files}),
    ):
        response, prompts = await ask(path, body | {"stream": False})
        assert response.status_code == 200
        assert prompts == ["<user>BM redBM blueWhich?</user><assistant>"]


async def test_images_of_several_turns_keep_their_order() -> None:
    turns = [
        *openai(RED)["messages"],
        {"role": "assistant", "content": "Red."},
        *openai("And ", BLUE)["messages"],
    ]
    _, prompts = await ask("/v1/chat/completions", {"messages": turns})
    assert prompts == [
        "<user>BM red</user><assistant>Red.</assistant><user>And BM blue</user><assistant>"
    ]


async def test_a_text_with_the_image_mark_adds_no_image() -> None:
    body = {"messages": [{"role": "user", "content": "a\ufdd1b"}]}
    _, prompts = await ask("/v1/chat/completions", body)
    assert prompts == ["<user>a\ufffdb</user><assistant>"]


async def test_an_image_for_a_model_without_projector_is_refused_with_the_reason() -> None:
    response, _ = await ask("/v1/chat/completions", openai(RED), FakeEngine("Red."))
    assert response.status_code == 400
    assert "fake does not accept images. Set chat.mmproj" in response.json()["error"]["message"]


async def test_an_image_url_is_not_fetched_unless_the_settings_allow_it() -> None:
    there = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/red.bmp"}}
    body = {"messages": [{"role": "user", "content": [there]}]}

    refused, _ = await ask("/v1/chat/completions", body)
    failed, _ = await ask("/v1/chat/completions", body, fetch_images=True)

    assert refused.status_code == failed.status_code == 400
    assert (
        "copilotd does not fetch images. Send it as a data: URL"
        in refused.json()["error"]["message"]
    )
    assert "red.bmp cannot be fetched" in failed.json()["error"]["message"]


async def test_an_image_url_is_fetched_if_the_settings_allow_it() -> None:
    async with run_server() as other:
        # A page is not an image, but this shows only after the download.
        url = f"{other.url}/health"
        there = {"type": "image_url", "image_url": {"url": url}}
        body = {"messages": [{"role": "user", "content": [there]}]}
        response, _ = await ask("/v1/chat/completions", body, fetch_images=True)
    assert response.status_code == 400
    assert "a file is not an image" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages.0.content: has an image without a URL.",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages.0.content: accepts text and image parts only, not input_audio.",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{**openai(RED)["messages"][0], "role": "system"}]},
            "messages.0: images belong in messages of the user.",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": 5}]},
            "messages.0.content: should be a string or a list of parts.",
        ),
        (
            "/v1/responses",
            {
                "input": [
                    {
                        "role": "user",
                        "content": [{"type": "input_image", "image_url": "file:///etc/passwd"}],
                    }
                ]
            },
            "input.0.message.content: accepts images as data:, https: or http: URLs only.",
        ),
        (
            "/api/chat",
            {"messages": [{"role": "user", "images": ["not base64!"]}]},
            "messages.0.images: has an image that is not in base64.",
        ),
    ],
)
async def test_an_image_that_cannot_be_read_is_an_error_that_names_its_place(
    path: str, body: dict[str, Any], words: str
) -> None:
    response, _ = await ask(path, body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert words in (error if isinstance(error, str) else error["message"])


async def test_the_number_of_images_is_limited() -> None:
    response, _ = await ask("/v1/chat/completions", openai(*[RED] * 17))
    assert "there are 17 images; the limit is 16" in response.json()["error"]["message"]


async def test_a_vision_model_reports_the_capability() -> None:
    async with run_server(FakeEngine("", info=SEEING)) as server:
        details = (await server.post("/api/show", {"model": "local"})).json()
        props = (await server.client.get("/props")).json()
    assert "vision" in details["capabilities"]
    assert props["modalities"]["vision"] is True
