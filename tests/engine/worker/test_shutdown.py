"""A worker ends in time, with its KV cache saved, and never as an orphan."""

import asyncio
import io
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from copilotd.engine.local.process import WorkerProcess
from copilotd.engine.protocol import Generate, Tokenize, WorkerSpec
from copilotd.engine.types import GenerateRequest
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.state_file import read_header
from copilotd.engine.worker.llama.batch import BatchEntry
from copilotd.engine.worker.main import Worker
from copilotd.engine.worker.pipe import EventWriter
from copilotd.errors import EngineDied, IllegalInstruction
from tests.daemon.temp_user import eventually
from tests.engine.worker.simulated_model import SimulatedModel

PROMPT = list(b"p" * 1000)

STUCK_WORKER = """
import sys, threading
from copilotd.engine.worker import main as worker

class StuckWorker:
    def end(self):
        pass

arguments = sys.stdin.buffer, StuckWorker()
threading.Thread(target=worker.receive_commands, args=arguments, daemon=True).start()
threading.Event().wait()
"""


class SimulatedWorker:
    """A worker with a simulated model that saves its KV cache in `folder`."""

    def __init__(self, folder: Path) -> None:
        model_file = folder / "model.gguf"
        model_file.touch()
        self.states = folder / "states"
        spec = WorkerSpec(
            str(model_file), "model", disk_tier_path=str(self.states), disk_tier_bytes=10**6
        )
        interrupt = Interrupt()
        self.model = SimulatedModel(2000, interrupt)
        self.worker = Worker(self.model, interrupt, spec, EventWriter(io.BytesIO()))

    def count_saved_tokens(self) -> list[int]:
        """The number of tokens in each file."""
        headers = [read_header(path) for path in self.states.glob("*.kv")]
        return [len(header.tokens) for header in headers if header is not None]


def test_a_worker_that_ends_stops_its_batch_and_saves_its_cache(tmp_path: Path) -> None:
    simulated = SimulatedWorker(tmp_path)
    batches: list[int] = []

    def end_in_second_batch(entries: Sequence[BatchEntry]) -> None:
        batches.append(len(entries))
        if len(batches) == 2:
            simulated.worker.end()

    simulated.model.before_decode = end_in_second_batch
    simulated.worker.receive(Generate(1, GenerateRequest(PROMPT, 5)))
    simulated.worker.run()
    assert (batches, simulated.count_saved_tokens()) == ([512, 488], [512])


def test_an_idle_worker_saves_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilotd.engine.worker.main._SAVE_AFTER_IDLE_S", 0.01)
    simulated = SimulatedWorker(tmp_path)
    thread = threading.Thread(target=simulated.worker.run)
    thread.start()
    simulated.worker.receive(Generate(1, GenerateRequest(PROMPT, 1)))
    try:
        assert eventually(lambda: simulated.count_saved_tokens() == [1000])
    finally:
        simulated.worker.end()
        thread.join(30)


def test_a_process_whose_main_thread_is_stuck_ends_with_its_stdin() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK_WORKER], stdin=subprocess.DEVNULL, timeout=30
    )
    assert done.returncode == 0


async def start_process(*command: str) -> tuple[WorkerProcess, asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=pipe, stdout=pipe, stderr=pipe
    )
    return WorkerProcess(process, lambda error: None), process


async def test_a_worker_ends_by_itself_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine a worker takes longer than that to start.
    monkeypatch.setattr("copilotd.engine.local.process._END_TIMEOUT_S", 60.0)
    worker, process = await start_process("-m", "copilotd.engine.worker.main")
    await worker.close()
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
async def test_a_worker_that_does_not_end_is_killed() -> None:
    worker, process = await start_process("-c", "import threading; threading.Event().wait()")
    await worker.close()
    assert process.returncode == -9


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
async def test_an_illegal_instruction_has_an_error_of_its_own() -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.{})"
    illegal, _ = await start_process("-c", script.format("SIGILL"))
    with pytest.raises(IllegalInstruction, match="built for another processor"):
        await illegal.call(Tokenize(1, "a", special=False), list[int])
    other, _ = await start_process("-c", script.format("SIGSEGV"))
    with pytest.raises(EngineDied, match="killed by signal 11"):
        await other.call(Tokenize(1, "a", special=False), list[int])
    await asyncio.gather(illegal.close(), other.close())


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
async def test_a_call_to_a_dead_worker_fails_with_the_reason_of_its_death() -> None:
    worker, process = await start_process("-c", "import os; os.kill(os.getpid(), 4)")
    assert process.stdin is not None
    async with asyncio.timeout(30):
        with suppress(ConnectionError):
            await process.stdin.wait_closed()
    for _ in range(2):
        with pytest.raises(IllegalInstruction):
            await worker.call(Tokenize(1, "a", special=False), list[int])
    await worker.close()


async def test_closing_a_worker_fails_its_waiting_calls_at_once() -> None:
    worker, _ = await start_process("-c", "import threading; threading.Event().wait()")
    # Tasks begin in the order in which they are made.
    call = asyncio.ensure_future(anext(worker.stream(Generate(1, GenerateRequest([1], 1)))))
    closing = asyncio.ensure_future(worker.close())
    with pytest.raises(EngineDied, match="the model is being unloaded"):
        await call
    assert not closing.done()
    await closing
