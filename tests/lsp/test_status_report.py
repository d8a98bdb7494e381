from typing import Any

import pytest

from copilotd.engine.types import Chunk, EngineState, Finished, GenerateRequest, Phase
from copilotd.errors import EngineDied
from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import RawClient

PROGRESS_BARS = {"workDoneProgress": True}
DOWNLOADING = EngineState(Phase.DOWNLOADING, "qwen: 42 %", 0.42)
LOADING = EngineState(Phase.LOADING, "loading qwen")
READY = EngineState(Phase.READY, "qwen is ready")
FAILED = EngineState(Phase.FAILED, "the file is truncated")


def status(state: EngineState) -> dict[str, Any]:
    return {"phase": state.phase.value, "detail": state.detail, "fraction": state.fraction}


async def test_a_client_gets_the_current_state_and_every_change(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    await client.wait_for_messages("copilotd/status", 1)
    for state in (DOWNLOADING, LOADING, READY):
        daemon.model.set_state(state)
    reported = await client.wait_for_messages("copilotd/status", 4)
    states = [EngineState(Phase.READY), DOWNLOADING, LOADING, READY]
    assert reported == [status(state) for state in states]


async def test_a_client_with_progress_bars_gets_one_from_the_download_to_the_end(
    client: RawClient, daemon: FakeDaemon
) -> None:
    daemon.model.set_state(DOWNLOADING)
    await client.initialize(window=PROGRESS_BARS)
    [created] = await client.wait_for_messages("window/workDoneProgress/create", 1)
    for state in (EngineState(Phase.DOWNLOADING, "qwen: 99 %", 0.99), LOADING, READY):
        daemon.model.set_state(state)
    values = await client.wait_for_messages("$/progress", 4)
    assert [value["token"] for value in values] == [created["token"]] * 4
    assert [value["value"] for value in values] == [
        {"kind": "begin", "title": "copilotd", "message": "qwen: 42 %", "percentage": 42},
        {"kind": "report", "message": "qwen: 99 %", "percentage": 99},
        {"kind": "report", "message": "loading qwen"},
        {"kind": "end", "message": "qwen is ready"},
    ]


async def test_a_second_load_gets_a_new_progress_bar(client: RawClient, daemon: FakeDaemon) -> None:
    await client.initialize(window=PROGRESS_BARS)
    await client.wait_for_messages("copilotd/status", 1)
    for state in (LOADING, READY, LOADING, READY):
        daemon.model.set_state(state)
    values = await client.wait_for_messages("$/progress", 4)
    assert [v["value"]["kind"] for v in values] == ["begin", "end"] * 2
    tokens = [value["token"] for value in values]
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]


async def test_a_client_without_progress_bars_gets_none(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    await client.wait_for_messages("copilotd/status", 1)
    for state in (LOADING, READY):
        daemon.model.set_state(state)
    await client.wait_for_messages("copilotd/status", 3)
    assert {m["method"] for m in client.received} == {"copilotd/status"}


async def test_a_failed_start_is_shown_once_until_the_engine_works_again(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    await client.wait_for_messages("copilotd/status", 1)
    for state in (FAILED, LOADING, FAILED, READY, FAILED):
        daemon.model.set_state(state)
    await client.wait_for_messages("copilotd/status", 6)
    text = "copilotd: the file is truncated. `copilotd doctor` looks for the reason."
    shown = [m["params"] for m in client.received if m["method"] == "window/showMessage"]
    assert shown == [{"type": 1, "message": text}] * 2


async def test_a_failing_completion_shows_one_error_and_not_one_at_every_keystroke(
    client: RawClient, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = 0

    async def die(request: GenerateRequest) -> Any:
        nonlocal deaths
        deaths += 1
        raise EngineDied(f"the worker (pid {deaths}) ended")
        yield Chunk | Finished

    monkeypatch.setattr(daemon.model, "generate", die)
    await client.initialize()
    client.open_file("x = ")
    answers = [await client.request_ghost_text(0, 4) for _ in range(3)]
    shown = [m["params"] for m in client.received if m["method"] == "window/showMessage"]
    text = "copilotd: the worker (pid 1) ended. `copilotd doctor` looks for the reason."
    assert (deaths, answers) == (3, [[], [], []])
    assert shown == [{"type": 1, "message": text}]


async def test_a_client_that_has_left_gets_no_state(client: RawClient, daemon: FakeDaemon) -> None:
    await client.initialize()
    await client.wait_for_messages("copilotd/status", 1)
    await client.shut_down()
    daemon.model.set_state(LOADING)
    assert len(client.received) == 1
