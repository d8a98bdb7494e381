import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from copilotd.completion.types import Completion, OutcomeRecord, Status, Trigger
from copilotd.config import CompletionSection
from copilotd.engine.fake import FAKE_CALIBRATION, FakeEngine
from copilotd.engine.performance import Calibration, CalibrationProgress, Setup, Tuning
from copilotd.engine.types import EngineState, Phase
from copilotd.errors import EngineDied
from copilotd.http.admin.convert import build_completion_request
from copilotd.http.admin.schema import CursorBody
from copilotd.prompt.budget import Budget
from copilotd.serving.status import DaemonStatus
from tests.http.http_server import RunningServer, daemon_status, parse_events, run_server


async def test_status_returns_the_daemons_status_as_json(paris: RunningServer) -> None:
    response = await paris.client.get("/admin/status")

    assert response.headers["content-type"] == "application/json"
    assert msgspec.json.decode(response.content, type=DaemonStatus) == daemon_status(paris.engine)


async def test_a_completion_at_a_cursor_comes_with_its_explanation() -> None:
    body = {"path": "add.py", "text": "def add(a, b):\n    return \n", "offset": 26}
    async with run_server(FakeEngine("a + b")) as server:
        response = await server.post("/admin/complete", body | {"language": "python"})

    outcome = msgspec.json.decode(response.content, type=OutcomeRecord)
    assert outcome.status is Status.SHOWN
    assert outcome.completion is not None
    assert outcome.completion == Completion(outcome.completion.id, "a + b", 26, 26)
    assert outcome.explanation.prompt == "<PRE><SUF>\n<MID>def add(a, b):\n    return "
    assert outcome.explanation.raw == "a + b"


def test_an_automatic_completion_is_whole_but_as_short_as_in_an_editor() -> None:
    body = {"path": "a.py", "text": "x = ", "offset": 4, "trigger": "automatic"}
    budget = Budget(256, 48, 8, 75, 0, 64)
    request = build_completion_request(CursorBody.model_validate(body), budget)
    assert (request.trigger, request.max_tokens) == (Trigger.AUTOMATIC, 8)
    assert request.waits_for_whole


async def test_an_automatic_completion_obeys_the_settings() -> None:
    body = {"path": "a.py", "text": "x = ", "offset": 4, "language": "python"}
    disabled = CompletionSection(disabled_languages=["python"])
    async with run_server(FakeEngine("1"), completion=disabled) as server:
        automatic = await server.post("/admin/complete", body | {"trigger": "automatic"})
        by_hand = await server.post("/admin/complete", body)
    assert (automatic.json()["status"], by_hand.json()["status"]) == ("skipped", "shown")


async def test_an_outcome_without_a_completion_has_its_reason() -> None:
    async with run_server(FakeEngine("")) as server:
        response = await server.post("/admin/complete", {"path": "a", "text": "x", "offset": 1})

    outcome = msgspec.json.decode(response.content, type=OutcomeRecord)
    assert (outcome.status, outcome.completion) == (Status.EMPTY, None)
    assert outcome.reason


async def test_a_cursor_after_the_end_of_the_text_is_refused(paris: RunningServer) -> None:
    response = await paris.post("/admin/complete", {"path": "a", "text": "xyz", "offset": 4})

    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": "offset: is after the end of the text (3).",
        "type": "invalid_request_error",
        "param": "offset",
        "code": "invalid_value",
    }


async def test_stop_stops_the_daemon_and_gets_a_response(paris: RunningServer) -> None:
    response = await paris.client.post("/admin/stop")

    assert response.status_code == 202
    assert response.json() == {"status": "stopping"}
    assert paris.stops == ["stop"]


class ObservedEngine(FakeEngine):
    """Sets an event when a listener unsubscribes."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Subscribe; the unsubscribe function sets the event."""
        unsubscribe = super().subscribe(listener)

        def leave() -> None:
            unsubscribe()
            self.left.set()

        return leave


async def test_events_report_the_current_state_and_each_new_one_until_the_client_hangs_up() -> None:
    engine = ObservedEngine()
    async with run_server(engine) as server, asyncio.timeout(30):
        async with server.client.stream("GET", "/admin/events") as response:
            lines = response.aiter_lines()
            now = await anext(lines), await anext(lines)
            engine.set_state(EngineState(Phase.DOWNLOADING, "qwen 42 %", 0.42))
            then = await anext(lines), await anext(lines)
        await engine.left.wait()

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert now == ('data: {"phase":"ready","detail":"","fraction":null}', "")
    assert then == ('data: {"phase":"downloading","detail":"qwen 42 %","fraction":0.42}', "")


async def test_tuning_reports_its_progress_and_then_its_result(paris: RunningServer) -> None:
    response = await paris.client.post("/admin/tune")

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    progress, result = parse_events(response.text)
    assert progress == {"measuring": {"text": "measuring speed", "fraction": 0.5}}
    tuning = msgspec.convert(result["tuning"], Tuning, strict=False)
    assert tuning == Tuning("fake", "a machine", 1.0, FAKE_CALIBRATION)


class DyingEngine(FakeEngine):
    """Dies during a calibration, or before it."""

    def __init__(self, *, after_start: bool) -> None:
        super().__init__()
        self._after_start = after_start

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        if self._after_start:
            yield CalibrationProgress("measuring speed", 0.5)
        raise EngineDied("the worker ended", "Try again.")


async def test_a_worker_that_dies_before_the_first_measurement_is_an_error() -> None:
    async with run_server(DyingEngine(after_start=False)) as server:
        response = await server.client.post("/admin/tune")

    assert response.status_code == 503
    assert response.json()["error"]["message"] == "the worker ended. Try again."


async def test_a_worker_that_dies_during_the_measurement_is_the_last_event() -> None:
    async with run_server(DyingEngine(after_start=True)) as server:
        response = await server.client.post("/admin/tune")

    progress, failure = parse_events(response.text)
    assert progress == {"measuring": {"text": "measuring speed", "fraction": 0.5}}
    assert failure["error"]["message"] == "the worker ended. Try again."
