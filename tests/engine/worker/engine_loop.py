"""The engine's loop on a simulated model, for tests."""

from collections import defaultdict
from collections.abc import Mapping
from typing import cast

from copilotd.engine.protocol import Event, Finish, Generate, Output
from copilotd.engine.types import GenerateRequest, Lane, Usage
from copilotd.engine.worker.generation import NO_PICTURES, Generation
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.disk_tier import Archive
from copilotd.engine.worker.kv.memory_tier import Park
from copilotd.engine.worker.kv.slot_pool import KVPool
from copilotd.engine.worker.llama.model import Model
from copilotd.engine.worker.speculation.speculation import Speculation
from copilotd.engine.worker.vision.image_tokens import Picture
from tests.engine.worker.kv.fake_archive import NO_ARCHIVE
from tests.engine.worker.simulated_model import (
    CELL_BYTES,
    Predict,
    SimulatedModel,
    expected_text,
    predict,
)


class Bench:
    """A generation loop, and what it has emitted by request id."""

    def __init__(
        self,
        n_ctx: int = 400,
        n_seq: int = 4,
        park_bytes: int = 500,
        resident_cells: int = 100,
        archive: Archive = NO_ARCHIVE,
        speculation: Speculation | None = None,
        predict: Predict = predict,
    ) -> None:
        self.interrupt = Interrupt()
        self.model = SimulatedModel(n_ctx, self.interrupt, predict=predict)
        self.texts: dict[int, str] = defaultdict(str)
        self.last: dict[int, Event] = {}
        self.order: list[int] = []
        park = Park(park_bytes * CELL_BYTES, archive)
        self.pool = KVPool(self.model, park, n_seq, n_ctx, resident_cells)
        self.loop = Generation(
            cast(Model, self.model), self.interrupt, self.pool, self._emit, speculation
        )

    def add(
        self,
        id: int,
        prompt: str | list[int],
        n: int = 8,
        lane: Lane = Lane.CHAT,
        pictures: Mapping[int, Picture] = NO_PICTURES,
        **more: object,
    ) -> None:
        tokens = list(prompt.encode()) if isinstance(prompt, str) else prompt
        request = GenerateRequest(tokens, n, lane=lane, **more)  # type: ignore[arg-type]
        self.loop.add(Generate(id, request), pictures)

    def run(self, steps: int = 10_000) -> None:
        for _ in range(steps):
            if self.loop.lane is None:
                return
            self.loop.step()

    def usage(self, id: int) -> Usage:
        event = self.last[id]
        assert isinstance(event, Finish)
        return event.finished.usage

    def _emit(self, event: Event) -> None:
        if isinstance(event, Output):
            self.texts[event.id] += event.chunk.text
        else:
            self.last[event.id] = event
            self.order.append(event.id)


def text_after(prompt: str, n: int = 8) -> str:
    return expected_text(list(prompt.encode()), n)
