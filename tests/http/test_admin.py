import asyncio
from collections.abc import Callable

import msgspec

from copilotd.engine.fake import FakeEngine
from copilotd.types import Completion, DaemonStatus, EngineState, Outcome, Phase, Status
from tests.http.serving import Served, daemon_status, serving


async def test_the_status_arrives_as_it_is(paris: Served) -> None:
    response = await paris.client.get("/admin/status")

    assert response.headers["content-type"] == "application/json"
    assert msgspec.json.decode(response.content, type=DaemonStatus) == daemon_status(paris.engine)


async def test_a_completion_at_a_cursor_comes_with_its_explanation() -> None:
    body = {"path": "add.py", "text": "def add(a, b):\n    return \n", "offset": 26}
    async with serving(FakeEngine("a + b")) as served:
        response = await served.post("/admin/complete", body | {"language": "python"})

    outcome = msgspec.json.decode(response.content, type=Outcome)
    assert outcome.status is Status.SHOWN
    assert outcome.completion is not None
    assert outcome.completion == Completion(outcome.completion.id, "a + b", 26, 26)
    assert outcome.explanation.prompt == "<PRE>def add(a, b):\n    return <SUF>\n<MID>"
    assert outcome.explanation.raw == "a + b"


async def test_an_outcome_without_a_completion_has_its_reason() -> None:
    async with serving(FakeEngine("")) as served:
        response = await served.post("/admin/complete", {"path": "a", "text": "x", "offset": 1})

    outcome = msgspec.json.decode(response.content, type=Outcome)
    assert (outcome.status, outcome.completion) == (Status.EMPTY, None)
    assert outcome.reason


async def test_a_cursor_behind_the_end_is_refused(paris: Served) -> None:
    response = await paris.post("/admin/complete", {"path": "a", "text": "xyz", "offset": 4})

    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": "offset: lies behind the end of the text (3).",
        "type": "invalid_request_error",
        "param": "offset",
        "code": "invalid_value",
    }


async def test_stop_is_passed_on_and_answered(paris: Served) -> None:
    response = await paris.client.post("/admin/stop")

    assert response.status_code == 202
    assert response.json() == {"status": "stopping"}
    assert paris.stops == ["stop"]


class Watched(FakeEngine):
    """Says when a listener has left."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """The same, and the event."""
        unsubscribe = super().subscribe(listener)

        def leave() -> None:
            unsubscribe()
            self.left.set()

        return leave


async def test_events_tell_the_state_now_and_each_new_one_until_the_client_leaves() -> None:
    engine = Watched()
    async with serving(engine) as served, asyncio.timeout(5):
        async with served.client.stream("GET", "/admin/events") as response:
            lines = response.aiter_lines()
            now = await anext(lines), await anext(lines)
            engine.enter(EngineState(Phase.DOWNLOADING, "qwen 42 %", 0.42))
            then = await anext(lines), await anext(lines)
        await engine.left.wait()

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert now == ('data: {"phase":"ready","detail":"","fraction":null}', "")
    assert then == ('data: {"phase":"downloading","detail":"qwen 42 %","fraction":0.42}', "")
