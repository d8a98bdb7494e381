"""Tabby's dialect."""

from typing import Any

import pytest

from copilotd.engine.fake import FakeEngine
from tests.http.http_server import run_server

PATH = "/v1/completions"
BODY: dict[str, Any] = {
    "language": "python",
    "segments": {"prefix": "def add(", "suffix": ")", "filepath": "a.py", "clipboard": "x"},
    "user": "ada",
}


async def test_the_choice_is_the_completion_that_copilotds_editors_would_show() -> None:
    async with run_server(FakeEngine("a, b")) as server:
        response = await server.post(PATH, BODY)
    body = response.json()
    assert (body.keys(), body["choices"]) == ({"id", "choices"}, [{"index": 0, "text": "a, b"}])


async def test_without_a_completion_there_are_no_choices() -> None:
    async with run_server(FakeEngine("")) as server:
        response = await server.post(PATH, BODY)
    assert (response.status_code, response.json()["choices"]) == (200, [])


async def test_an_incomplete_body_is_refused_with_the_missing_field() -> None:
    async with run_server(FakeEngine("")) as server:
        response = await server.post(PATH, {"segments": {"suffix": ""}})
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "segments.prefix: Field required."


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_server_describes_itself(method: str) -> None:
    async with run_server(FakeEngine("")) as server:
        response = await server.client.request(method, "/v1/health")
    health = response.json()
    assert (health["model"], health["chat_model"]) == ("local", "local")
    assert health["version"]["git_describe"] == "v0.30.0"


async def test_telemetry_of_the_plug_ins_is_off() -> None:
    async with run_server(FakeEngine("")) as server:
        response = await server.client.get("/v1beta/server_setting")
    assert response.json() == {"disable_client_side_telemetry": True}


@pytest.mark.parametrize(
    ("kind", "counted"), [("select", (1, 0)), ("dismiss", (0, 1)), ("view", (0, 0)), ("x", (0, 0))]
)
async def test_feedback_on_a_completion_is_counted(kind: str, counted: tuple[int, int]) -> None:
    async with run_server(FakeEngine("a, b")) as server:
        id = (await server.post(PATH, BODY)).json()["id"]
        event = {"type": kind, "completion_id": id, "choice_index": 0}
        response = await server.client.post("/v1/events", json=event)
        stats = server.completion.stats()
    assert response.status_code == 200
    assert (stats.accepted, stats.rejected) == counted
