"""Tabby's dialect."""

from typing import Any

import pytest

from copilotd.completion.types import Completion, Shown, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.engine.fake import FakeEngine
from copilotd.http.tabby.convert import build_completion, build_completion_request
from copilotd.http.tabby.schema import TabbyBody
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


@pytest.mark.parametrize(
    ("suffix", "replaced", "text", "sent"),
    [
        (")\n", 1, "a, b)", ["a, b"]),
        (")\n", 1, "a, b):\n    return a", ["a, b):\n    return a"]),
        ("c) + 1\n", 6, "b, c) + 1", ["b, "]),
        ("c) + 1\n", 6, "b) - 1", []),
    ],
    ids=[
        "the text ends with its copy of a bracket",
        "the agent replaces a bracket that the text closes",
        "the text ends with its copy of other code",
        "the text rewrites other code",
    ],
)
def test_the_text_fits_what_the_agent_replaces(
    suffix: str, replaced: int, text: str, sent: list[str]
) -> None:
    body = TabbyBody.model_validate({"segments": {"prefix": "def add(", "suffix": suffix}})
    request = build_completion_request(body)
    completion = Completion("id", text, 8, 8 + replaced)
    choices = build_completion(request, Shown(completion, "")).choices
    assert [choice.text for choice in choices] == sent


def test_a_request_counts_as_automatic_and_gets_the_whole_text() -> None:
    request = build_completion_request(TabbyBody.model_validate(BODY))
    assert (request.trigger, request.waits_for_whole) == (Trigger.AUTOMATIC, True)


async def test_a_disabled_language_gets_no_choice() -> None:
    disabled = CompletionSection(disabled_languages=["python"])
    async with run_server(FakeEngine("a, b"), completion=disabled) as server:
        response = await server.post(PATH, BODY)
        assert server.completion.last is not None
        assert server.completion.last.status is Status.SKIPPED
    assert response.json()["choices"] == []


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
