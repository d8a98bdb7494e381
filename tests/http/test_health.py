import pytest

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import EngineState, Phase
from tests.http.http_server import run_server


@pytest.mark.parametrize("phase", [Phase.READY, Phase.STOPPED])
async def test_health_is_ok_if_a_completion_would_work(phase: Phase) -> None:
    engine = FakeEngine()
    engine.set_state(EngineState(phase))
    async with run_server(engine) as server:
        response = await server.client.get("/health")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "phase": phase, "detail": "", "fraction": None}


@pytest.mark.parametrize("phase", [Phase.DOWNLOADING, Phase.LOADING, Phase.FAILED])
async def test_health_is_503_while_there_is_no_model(phase: Phase) -> None:
    engine = FakeEngine()
    engine.set_state(EngineState(phase, "qwen 42 %", 0.42))
    async with run_server(engine) as server:
        response = await server.client.get("/health")

    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "phase": phase,
        "detail": "qwen 42 %",
        "fraction": 0.42,
    }
