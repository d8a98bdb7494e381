"""Images with the real model and a projector for three colours."""

import base64
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.real.projector import SIDE, write_projector

pytestmark = pytest.mark.model

ASK = "Which colour is this? Answer with one word."


@pytest.fixture(scope="module")
def daemon(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    projector = write_projector(tmp_path_factory.mktemp("models") / "mmproj.gguf", model_path)
    with run_daemon(model_path, CHAT__MMPROJ=str(projector)) as running:
        yield running


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=daemon.url, timeout=120, trust_env=False) as client:
        yield client


def make_png(colour: str) -> str:
    """Make an image file of one colour, in base64."""
    file = BytesIO()
    Image.new("RGB", (SIDE, SIDE), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def make_image_part(colour: str) -> dict[str, Any]:
    url = f"data:image/png;base64,{make_png(colour)}"
    return {"type": "image_url", "image_url": {"url": url}}


def make_question(*content: dict[str, Any], text: str = ASK) -> dict[str, Any]:
    parts = [*content, {"type": "text", "text": text}]
    return {"messages": [{"role": "user", "content": parts}], "temperature": 0, "max_tokens": 8}


def ask(client: httpx2.Client, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    answer = client.post("/v1/chat/completions", json=body).json()
    return answer["choices"][0]["message"]["content"], answer["usage"]


@pytest.mark.parametrize(("colour", "name"), [("red", "Red"), ("lime", "Green"), ("blue", "Blue")])
def test_the_model_names_the_colour_of_an_image(
    client: httpx2.Client, colour: str, name: str
) -> None:
    assert ask(client, make_question(make_image_part(colour)))[0].strip(" .") == name


def test_the_other_apis_accept_the_same_image(client: httpx2.Client) -> None:
    blue = make_png("blue")
    part = {"type": "input_image", "image_url": f"data:image/png;base64,{blue}"}
    content = [part, {"type": "input_text", "text": ASK}]
    source = {"type": "base64", "media_type": "image/png", "data": blue}
    block = [{"type": "image", "source": source}, {"type": "text", "text": ASK}]
    sampling = {"temperature": 0}
    bodies: dict[str, dict[str, Any]] = {
        "/v1/responses": {"input": [{"role": "user", "content": content}], **sampling},
        "/v1/messages": {
            "messages": [{"role": "user", "content": block}],
            "max_tokens": 8,
            **sampling,
        },
        "/api/chat": {
            "messages": [{"role": "user", "content": ASK, "images": [blue]}],
            "options": sampling,
            "stream": False,
        },
        "/api/generate": {"prompt": ASK, "images": [blue], "options": sampling, "stream": False},
    }
    for path, body in bodies.items():
        assert "Blue" in client.post(path, json=body).text, path


def test_an_image_from_an_earlier_message_is_not_evaluated_again(client: httpx2.Client) -> None:
    first = make_question(make_image_part("red"))
    answer, cost = ask(client, first)
    follow_up = {
        **first,
        "messages": [
            *first["messages"],
            {"role": "assistant", "content": answer},
            {"role": "user", "content": "Is that a warm colour?"},
        ],
    }
    _, again = ask(client, follow_up)
    assert again["prompt_tokens_details"]["cached_tokens"] >= cost["prompt_tokens"] - 1


def test_another_image_in_the_same_place_is_not_mistaken_for_the_first(
    client: httpx2.Client,
) -> None:
    answers = [
        ask(client, make_question(make_image_part(colour)))[0] for colour in ("lime", "red", "lime")
    ]
    assert [word.strip(" .") for word in answers] == ["Green", "Red", "Green"]


def test_ghost_text_is_shown_while_images_are_encoded(client: httpx2.Client) -> None:
    hole = {"prompt": "def add(a, b):\n    return ", "suffix": "\n", "max_tokens": 6}
    answers: list[str] = []

    def ask_in_background() -> None:
        answers.append(
            ask(client, make_question(*map(make_image_part, ("red", "lime", "blue") * 3)))[0]
        )

    asking = threading.Thread(target=ask_in_background)
    asking.start()
    written = client.post("/v1/completions", json=hole | {"temperature": 0}).json()
    asking.join(120)
    assert written["choices"][0]["text"].startswith("a + b")
    assert len(answers) == 1


def test_a_damaged_image_is_an_error_of_the_client(client: httpx2.Client) -> None:
    url = f"data:image/png;base64,{make_png('red')[:-40]}"
    response = client.post(
        "/v1/chat/completions", json=make_question({"type": "image_url", "image_url": {"url": url}})
    )
    assert response.status_code == 400
    assert "an image cannot be read" in response.json()["error"]["message"]


def test_a_projector_of_another_kind_is_named_in_the_error(model_path: Path) -> None:
    with run_daemon(model_path, CHAT__MMPROJ=str(model_path)) as daemon:
        response = httpx2.post(
            f"{daemon.url}/v1/chat/completions",
            json=make_question(make_image_part("red")),
            timeout=120,
        )
        assert response.status_code >= 400
        assert "chat.mmproj must be the projector" in response.json()["error"]["message"]
        # The model itself goes on without it.
        capital = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
        spoken = httpx2.post(f"{daemon.url}/v1/chat/completions", json=capital, timeout=120)
        assert "Paris" in spoken.text
