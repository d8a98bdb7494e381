"""The engine's loop over a simulated model, for tests."""

from collections import defaultdict
from collections.abc import Mapping

from copilotd.engine.protocol import Event, Finish, Generate, Output
from copilotd.engine.types import GenerateRequest, Lane, Usage
from copilotd.engine.worker.generation import NO_IMAGES, Generation
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.disk_tier import DiskTier
from copilotd.engine.worker.kv.memory_tier import MemoryTier
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.speculation.speculation import Speculation
from copilotd.engine.worker.vision.image_tokens import ImageTokens
from tests.engine.worker.kv.fake_disk_tier import NO_DISK
from tests.engine.worker.simulated_model import (
    CELL_BYTES,
    Predict,
    SimulatedModel,
    predict,
    predict_output,
)


class EngineLoop:
    """A generation loop over a simulated model, and what it emitted, by request id."""

    def __init__(
        self,
        n_ctx: int = 400,
        n_seq: int = 4,
        memory_tier_cells: int = 500,
        resident_cells: int = 100,
        disk: DiskTier = NO_DISK,
        speculation: Speculation | None = None,
        predict: Predict = predict,
    ) -> None:
        self.interrupt = Interrupt()
        self.model = SimulatedModel(n_ctx, self.interrupt, predict=predict)
        self.texts: dict[int, str] = defaultdict(str)
        self.last_events: dict[int, Event] = {}
        self.finish_order: list[int] = []
        memory = MemoryTier(memory_tier_cells * CELL_BYTES, disk)
        self.pool = SlotPool(self.model, memory, n_seq, n_ctx, resident_cells)
        self.generation = Generation(self.model, self.interrupt, self.pool, self._emit, speculation)

    def add(
        self,
        id: int,
        prompt: str | list[int],
        max_tokens: int = 8,
        lane: Lane = Lane.CHAT,
        images: Mapping[int, ImageTokens] = NO_IMAGES,
        **options: object,
    ) -> None:
        tokens = list(prompt.encode()) if isinstance(prompt, str) else prompt
        request = GenerateRequest(tokens, max_tokens, lane=lane, **options)  # type: ignore[arg-type]
        self.generation.add(Generate(id, request), images)

    def run(self, max_steps: int = 10_000) -> None:
        """Step until there is no more to do, or `max_steps` times."""
        for _ in range(max_steps):
            if self.generation.active_lane is None:
                return
            self.generation.step()

    def usage(self, id: int) -> Usage:
        event = self.last_events[id]
        assert isinstance(event, Finish)
        return event.finished.usage

    def _emit(self, event: Event) -> None:
        if isinstance(event, Output):
            self.texts[event.id] += event.chunk.text
        else:
            self.last_events[event.id] = event
            self.finish_order.append(event.id)


def predict_continuation(prompt: str, max_tokens: int = 8) -> str:
    """What a fresh evaluation of `prompt` generates."""
    return predict_output(list(prompt.encode()), max_tokens)
