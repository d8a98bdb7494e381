"""How a worker ends: in time, with its KV cache saved, and never as an orphan."""

import asyncio
import io
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from copilotd.engine.local.process import Connection
from copilotd.engine.protocol import Generate, Tokenize, WorkerSpec
from copilotd.engine.types import GenerateRequest
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.state_file import read_head
from copilotd.engine.worker.llama.model import Entry, Model
from copilotd.engine.worker.main import Worker
from copilotd.engine.worker.pipe import Events
from copilotd.errors import EngineDied, IllegalInstruction
from tests.daemon.temp_user import eventually
from tests.engine.worker.simulated_model import SimulatedModel

PROMPT = list(b"p" * 1000)

STUCK = """
import sys, threading
from copilotd.engine.worker import main as worker

class Stuck:
    def end(self):
        pass

threading.Thread(target=worker.listen, args=(sys.stdin.buffer, Stuck()), daemon=True).start()
threading.Event().wait()
"""


class Bench:
    """A worker with a simulated model that parks in `folder`."""

    def __init__(self, folder: Path) -> None:
        model_file = folder / "model.gguf"
        model_file.touch()
        self.states = folder / "states"
        spec = WorkerSpec(
            str(model_file), "model", park_path=str(self.states), park_disk_bytes=10**6
        )
        interrupt = Interrupt()
        self.model = SimulatedModel(2000, interrupt)
        self.worker = Worker(cast(Model, self.model), interrupt, spec, Events(io.BytesIO()))

    def saved(self) -> list[int]:
        """How many tokens each file has."""
        heads = [read_head(path) for path in self.states.glob("*.kv")]
        return [len(head.tokens) for head in heads if head is not None]


def test_a_worker_that_ends_stops_its_batch_and_saves_what_it_has(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    batches: list[int] = []

    def end_in_the_second(entries: Sequence[Entry]) -> None:
        batches.append(len(entries))
        if len(batches) == 2:
            bench.worker.end()

    bench.model.before_decode = end_in_the_second
    bench.worker.receive(Generate(1, GenerateRequest(PROMPT, 5)))
    bench.worker.run()
    assert (batches, bench.saved()) == ([512, 488], [512])


def test_an_idle_worker_saves_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilotd.engine.worker.main._SETTLES_S", 0.01)
    bench = Bench(tmp_path)
    thread = threading.Thread(target=bench.worker.run)
    thread.start()
    bench.worker.receive(Generate(1, GenerateRequest(PROMPT, 1)))
    try:
        assert eventually(lambda: bench.saved() == [1000])
    finally:
        bench.worker.end()
        thread.join(10)


def test_a_process_whose_main_thread_is_stuck_ends_with_its_stdin() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], stdin=subprocess.DEVNULL, timeout=30)
    assert done.returncode == 0


async def connected(*command: str) -> tuple[Connection, asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=pipe, stdout=pipe, stderr=pipe
    )
    return Connection(process, lambda error: None), process


async def test_a_worker_ends_by_itself_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine it takes longer than that to begin.
    monkeypatch.setattr("copilotd.engine.local.process._ENDS_WITHIN_S", 60.0)
    connection, process = await connected("-m", "copilotd.engine.worker.main")
    await connection.close()
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
async def test_a_worker_that_does_not_end_is_killed() -> None:
    connection, process = await connected("-c", "import threading; threading.Event().wait()")
    await connection.close()
    assert process.returncode == -9


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
async def test_an_illegal_instruction_is_told_from_other_deaths() -> None:
    died = "import os, signal; os.kill(os.getpid(), signal.{})"
    illegal, _ = await connected("-c", died.format("SIGILL"))
    with pytest.raises(IllegalInstruction, match="built for another processor"):
        await illegal.call(Tokenize(1, "a", special=False), list[int])
    other, _ = await connected("-c", died.format("SIGSEGV"))
    with pytest.raises(EngineDied, match="killed by signal 11"):
        await other.call(Tokenize(1, "a", special=False), list[int])
    await asyncio.gather(illegal.close(), other.close())


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
async def test_who_asks_a_worker_that_is_dead_already_hears_of_what_it_died() -> None:
    connection, process = await connected("-c", "import os; os.kill(os.getpid(), 4)")
    assert process.stdin is not None
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            await process.stdin.wait_closed()
    for _ in range(2):
        with pytest.raises(IllegalInstruction):
            await connection.call(Tokenize(1, "a", special=False), list[int])
    await connection.close()


async def test_who_waits_for_a_worker_that_is_closed_hears_of_it_at_once() -> None:
    connection, _ = await connected("-c", "import threading; threading.Event().wait()")
    # Tasks begin in the order in which they are made.
    asked = asyncio.ensure_future(anext(connection.stream(Generate(1, GenerateRequest([1], 1)))))
    closing = asyncio.ensure_future(connection.close())
    with pytest.raises(EngineDied, match="the model is being unloaded"):
        await asked
    assert not closing.done()
    await closing
