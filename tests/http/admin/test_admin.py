import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from copilotd.completion.types import Completion, OutcomeRecord, Status
from copilotd.engine.fake import FAKE_CALIBRATION, FakeEngine
from copilotd.engine.performance import Calibration, CalibrationProgress, Setup, Tuning
from copilotd.engine.types import EngineState, Phase
from copilotd.errors import EngineDied
from copilotd.serving.status import DaemonStatus
from tests.http.http_server import Served, daemon_status, events, serving


async def test_the_status_arrives_as_it_is(paris: Served) -> None:
    response = await paris.client.get("/admin/status")

    assert response.headers["content-type"] == "application/json"
    assert msgspec.json.decode(response.content, type=DaemonStatus) == daemon_status(paris.engine)


async def test_a_completion_at_a_cursor_comes_with_its_explanation() -> None:
    body = {"path": "add.py", "text": "def add(a, b):\n    return \n", "offset": 26}
    async with serving(FakeEngine("a + b")) as served:
        response = await served.post("/admin/complete", body | {"language": "python"})

    outcome = msgspec.json.decode(response.content, type=OutcomeRecord)
    assert outcome.status is Status.SHOWN
    assert outcome.completion is not None
    assert outcome.completion == Completion(outcome.completion.id, "a + b", 26, 26)
    assert outcome.explanation.prompt == "<PRE><SUF>\n<MID>def add(a, b):\n    return "
    assert outcome.explanation.raw == "a + b"


async def test_an_outcome_without_a_completion_has_its_reason() -> None:
    async with serving(FakeEngine("")) as served:
        response = await served.post("/admin/complete", {"path": "a", "text": "x", "offset": 1})

    outcome = msgspec.json.decode(response.content, type=OutcomeRecord)
    assert (outcome.status, outcome.completion) == (Status.EMPTY, None)
    assert outcome.reason


async def test_a_cursor_behind_the_end_is_refused(paris: Served) -> None:
    response = await paris.post("/admin/complete", {"path": "a", "text": "xyz", "offset": 4})

    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": "offset: is after the end of the text (3).",
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
    async with serving(engine) as served, asyncio.timeout(30):
        async with served.client.stream("GET", "/admin/events") as response:
            lines = response.aiter_lines()
            now = await anext(lines), await anext(lines)
            engine.set_state(EngineState(Phase.DOWNLOADING, "qwen 42 %", 0.42))
            then = await anext(lines), await anext(lines)
        await engine.left.wait()

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert now == ('data: {"phase":"ready","detail":"","fraction":null}', "")
    assert then == ('data: {"phase":"downloading","detail":"qwen 42 %","fraction":0.42}', "")


async def test_measuring_tells_how_far_it_is_and_ends_with_the_result(paris: Served) -> None:
    response = await paris.client.post("/admin/tune")

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    progress, result = events(response.text)
    assert progress == {"measuring": {"text": "measuring speed", "fraction": 0.5}}
    tuning = msgspec.convert(result["tuning"], Tuning, strict=False)
    assert tuning == Tuning("fake", "a machine", 1.0, FAKE_CALIBRATION)


class Dying(FakeEngine):
    """Ends in the middle of a calibration, or before it."""

    def __init__(self, *, late: bool) -> None:
        super().__init__()
        self._late = late

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        if self._late:
            yield CalibrationProgress("measuring speed", 0.5)
        raise EngineDied("the worker ended", "Try again.")


async def test_a_worker_that_ends_before_it_was_measured_is_an_error() -> None:
    async with serving(Dying(late=False)) as served:
        response = await served.client.post("/admin/tune")

    assert response.status_code == 503
    assert response.json()["error"]["message"] == "the worker ended. Try again."


async def test_a_worker_that_ends_meanwhile_is_the_last_event() -> None:
    async with serving(Dying(late=True)) as served:
        response = await served.client.post("/admin/tune")

    progress, failure = events(response.text)
    assert progress == {"measuring": {"text": "measuring speed", "fraction": 0.5}}
    assert failure["error"]["message"] == "the worker ended. Try again."
