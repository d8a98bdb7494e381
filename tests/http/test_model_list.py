from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import EngineState, Phase
from tests.http.http_server import RunningServer, run_server


async def test_the_list_has_the_one_model_under_its_alias(paris: RunningServer) -> None:
    response = await paris.client.get("/v1/models", headers={"accept": "application/json"})

    assert response.status_code == 200
    assert response.json() == {
        "object": "list",
        "data": [{"id": "local", "object": "model", "owned_by": "copilotd", "permissions": []}],
    }


async def test_the_list_does_not_wait_for_the_model() -> None:
    engine = FakeEngine()
    engine.set_state(EngineState(Phase.LOADING))
    async with run_server(engine) as server:
        response = await server.client.get("/v1/models")

    assert response.json()["data"][0]["id"] == "local"
    assert engine.requests == []
