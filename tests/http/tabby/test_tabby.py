"""Tabby's dialect."""

from typing import Any

import pytest

from copilotd.engine.fake import FakeEngine
from tests.http.http_server import serving

PATH = "/v1/completions"
BODY: dict[str, Any] = {
    "language": "python",
    "segments": {"prefix": "def add(", "suffix": ")", "filepath": "a.py", "clipboard": "x"},
    "user": "ada",
}


async def test_what_our_own_editors_would_show_is_the_choice() -> None:
    async with serving(FakeEngine("a, b")) as served:
        response = await served.post(PATH, BODY)
    body = response.json()
    assert (body.keys(), body["choices"]) == ({"id", "choices"}, [{"index": 0, "text": "a, b"}])


async def test_nothing_to_suggest_is_no_choice() -> None:
    async with serving(FakeEngine("")) as served:
        response = await served.post(PATH, BODY)
    assert (response.status_code, response.json()["choices"]) == (200, [])


async def test_a_body_that_is_not_whole_is_refused_by_its_field() -> None:
    async with serving(FakeEngine("")) as served:
        response = await served.post(PATH, {"segments": {"suffix": ""}})
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "segments.prefix: Field required."


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_server_describes_itself(method: str) -> None:
    async with serving(FakeEngine("")) as served:
        response = await served.client.request(method, "/v1/health")
    health = response.json()
    assert (health["model"], health["chat_model"]) == ("local", "local")
    assert health["version"]["git_describe"] == "v0.30.0"


async def test_plug_ins_are_told_to_report_nothing() -> None:
    async with serving(FakeEngine("")) as served:
        response = await served.client.get("/v1beta/server_setting")
    assert response.json() == {"disable_client_side_telemetry": True}


@pytest.mark.parametrize(
    ("kind", "counted"), [("select", (1, 0)), ("dismiss", (0, 1)), ("view", (0, 0)), ("x", (0, 0))]
)
async def test_what_became_of_a_suggestion_is_counted(kind: str, counted: tuple[int, int]) -> None:
    async with serving(FakeEngine("a, b")) as served:
        id = (await served.post(PATH, BODY)).json()["id"]
        event = {"type": kind, "completion_id": id, "choice_index": 0}
        response = await served.client.post("/v1/events", json=event)
        stats = served.completion.stats()
    assert response.status_code == 200
    assert (stats.accepted, stats.rejected) == counted
