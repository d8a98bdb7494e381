import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import httpx2
import msgspec
import pytest

from copilotd import __version__, lifecycle
from copilotd.config import load
from copilotd.daemon import Daemon, LaunchOptions
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import EngineState, ModelInfo, Phase
from copilotd.errors import EngineLoadFailed, EngineNotReady, PortInUse
from copilotd.serving.engines import EnginePool
from copilotd.serving.status import DaemonStatus
from tests.daemon.temp_user import ENDS_WITHIN_S, Home

ON_A_FREE_PORT = {"server": {"port": 0}}


def build_daemon(
    home: Home,
    engine: FakeEngine,
    chat_engine: FakeEngine | None = None,
    **overrides: dict[str, object],
) -> Daemon:
    file = home.paths.user_settings
    # The daemon's own measurement would be one more request, at any time.
    model = {"auto_tune": False} | overrides.pop("model", {})
    read = partial(load, file, None, ON_A_FREE_PORT | overrides | {"model": model})
    origin = LaunchOptions(read, (file,), ("--port", "0"))
    return Daemon(home.paths, read(), EnginePool(engine, chat_engine), origin)


@asynccontextmanager
async def run_daemon(home: Home, daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    """Run the daemon in this event loop while the block runs."""
    running = asyncio.create_task(daemon.run())
    await wait_until(lambda: running.done() or lifecycle.find_running(home.paths) is not None)
    try:
        async with httpx2.AsyncClient(base_url=daemon.status().url, trust_env=False) as client:
            yield client
    finally:
        daemon.stop()
        await running


async def wait_until(is_true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition did not become true in time")


async def fetch_system_prompt(client: httpx2.AsyncClient, engine: FakeEngine) -> str:
    """Return the system prompt that the model gets now."""
    await client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "?"}]})
    prompt = await engine.detokenize(engine.requests[-1].prompt)
    return prompt.partition("</system>")[0].removeprefix("<system>")


async def test_the_status_describes_the_whole_daemon(home: Home) -> None:
    daemon = build_daemon(home, FakeEngine("a + b"), model={"alias": "mine"})
    async with run_daemon(home, daemon) as client:
        await client.post(
            "/admin/complete", json={"path": "a.py", "text": "def add(a, b): return ", "offset": 22}
        )
        answer = await client.get("/admin/status")

    status = msgspec.json.decode(answer.content, type=DaemonStatus)
    assert status.version == __version__
    assert (status.alias, status.model, status.state.phase) == ("mine", FAKE_MODEL, Phase.READY)
    assert (status.engine.requests, status.completion.shown, status.clients) == (1, 1, ())
    assert status.rss > 10_000_000
    assert status.socket == str(home.paths.socket)


async def test_a_daemon_that_has_ended_leaves_no_files(home: Home) -> None:
    async with run_daemon(home, build_daemon(home, FakeEngine())):
        assert home.list_runtime_files() != []

    assert home.list_runtime_files() == []


async def test_a_client_can_stop_the_daemon(home: Home) -> None:
    daemon = build_daemon(home, FakeEngine())
    running = asyncio.create_task(daemon.run())
    await wait_until(lambda: lifecycle.find_running(home.paths) is not None)

    async with httpx2.AsyncClient(base_url=daemon.status().url, trust_env=False) as client:
        answer = await client.post("/admin/stop", json={})

    assert answer.status_code == 202
    await asyncio.wait_for(running, ENDS_WITHIN_S)


async def test_a_port_in_use_makes_the_start_fail_and_leaves_no_files(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} is in use by"):
            await build_daemon(home, FakeEngine(), server={"port": port}).run()

    assert home.list_runtime_files() == []


async def test_an_engine_that_does_not_close_does_not_delay_the_end_of_the_daemon(
    home: Home,
) -> None:
    class EndlessEngine(FakeEngine):
        async def close(self) -> None:
            await asyncio.Event().wait()

    async with (
        asyncio.timeout(ENDS_WITHIN_S),
        run_daemon(home, build_daemon(home, EndlessEngine())),
    ):
        pass

    assert home.list_runtime_files() == []


async def test_the_model_is_loaded_as_soon_as_the_servers_listen(home: Home) -> None:
    class RecordingEngine(FakeEngine):
        info_requested = asyncio.Event()

        async def info(self) -> ModelInfo:
            self.info_requested.set()
            return await super().info()

    engine = RecordingEngine()
    async with run_daemon(home, build_daemon(home, engine)):
        assert await asyncio.wait_for(engine.info_requested.wait(), 30)


async def test_the_daemon_keeps_running_if_the_model_cannot_be_loaded(home: Home) -> None:
    class BrokenEngine(FakeEngine):
        async def info(self) -> ModelInfo:
            raise EngineLoadFailed("not enough memory", "Choose a smaller model.")

    async with run_daemon(home, build_daemon(home, BrokenEngine())) as client:
        answer = await client.get("/admin/status")

    assert msgspec.json.decode(answer.content, type=DaemonStatus).model is None


async def test_the_status_has_the_model_once_its_download_has_ended(home: Home) -> None:
    class DownloadingEngine(FakeEngine):
        async def info(self) -> ModelInfo:
            if self.state.phase is not Phase.READY:
                raise EngineNotReady("half of it")
            return await super().info()

    engine = DownloadingEngine()
    engine.set_state(EngineState(Phase.DOWNLOADING, "half of it", 0.5))
    daemon = build_daemon(home, engine)
    async with run_daemon(home, daemon):
        assert daemon.status().state == EngineState(Phase.DOWNLOADING, "half of it", 0.5)
        assert daemon.status().model is None

        engine.set_state(EngineState(Phase.READY))

        await wait_until(lambda: daemon.status().model == FAKE_MODEL)


async def test_an_edit_of_the_settings_takes_effect_without_a_restart(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "copilotd")
    engine = FakeEngine("yes")
    async with run_daemon(home, build_daemon(home, engine)) as client:
        assert await fetch_system_prompt(client, engine) != "Be brief."

        home.write_settings('[chat]\nsystem_prompt = "Be brief."\n[engine]\nqueue_limit = 3\n')

        await wait_until(lambda: "[chat] changed, takes effect" in caplog.messages)
        assert await fetch_system_prompt(client, engine) == "Be brief."
    assert "[engine] changed, takes effect after copilotd restart" in caplog.messages


async def test_a_change_of_the_chat_model_is_logged_as_needing_a_restart(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "copilotd")
    async with run_daemon(home, build_daemon(home, FakeEngine())):
        home.write_settings('[chat]\nmodel = "talker"\n')

        line = "chat.model changed, takes effect after copilotd restart"
        await wait_until(lambda: line in caplog.messages)
    assert "[chat] changed, takes effect" not in caplog.messages


async def test_an_edit_of_a_linked_settings_file_takes_effect(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "copilotd")
    kept_elsewhere = home.folder / "dotfiles" / "settings.toml"
    kept_elsewhere.parent.mkdir()
    kept_elsewhere.touch()
    home.write_settings("")
    home.paths.user_settings.unlink()
    home.paths.user_settings.symlink_to(kept_elsewhere)
    async with run_daemon(home, build_daemon(home, FakeEngine())):
        kept_elsewhere.write_text("[chat]\nmax_tokens = 7\n")

        await wait_until(lambda: "[chat] changed, takes effect" in caplog.messages)
    assert "[engine] changed, takes effect after copilotd restart" not in caplog.messages


async def test_an_invalid_edit_is_logged_and_the_old_settings_stay(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    file = home.write_settings('[chat]\nsystem_prompt = "Be brief."\n')
    engine = FakeEngine("yes")
    async with run_daemon(home, build_daemon(home, engine)) as client:
        home.write_settings('[chat]\nsystem_prompt = "Be long."\nmax_tokens = 0\n')

        await wait_until(lambda: "settings kept" in caplog.text)
        assert await fetch_system_prompt(client, engine) == "Be brief."
    assert (
        f"settings kept as they were: chat.max_tokens (from {file}): "
        "Input should be greater than or equal to 1; got 0. "
        "Allowed: a whole number, at least 1."
    ) in caplog.messages
