"""What the model writes, read only as far as it is of use."""

import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace

from msgspec import structs

from copilotd.engine.types import Chunk, Finished, FinishReason, Usage
from copilotd.postprocess.context import FilterStep, Scene
from copilotd.postprocess.pipeline import stop_at


@dataclass(frozen=True, slots=True)
class Written:
    """The text so far; at the end cut where a streaming filter (see `steps`) stopped it.

    `unfinished` says that more would follow: it is still being written, or the token limit ended
    it.
    """

    text: str = ""
    steps: tuple[FilterStep, ...] = ()
    usage: Usage = field(default_factory=Usage)
    first_token_ms: float = 0.0
    unfinished: bool = True


async def read(
    scene: Scene,
    events: AsyncGenerator[Chunk | Finished, None],
    started: float,
    tell: Callable[[Written], bool],
) -> Written:
    """Collect the output until it ends, a streaming filter has seen enough, or `tell` has.

    `tell` hears of every piece that came before that, and says whether to go on. `started` is when
    the work for it began, by `time.perf_counter`.
    """
    written = Written()
    async for event in events:
        if isinstance(event, Finished):
            unfinished = event.reason is FinishReason.LENGTH
            return replace(written, usage=event.usage, unfinished=unfinished)
        written = _longer(written, event, started)
        if stopped := stop_at(scene, written.text):
            name, length = stopped
            text = written.text[:length]
            step = FilterStep(name, written.text, text)
            return replace(written, text=text, steps=(step,), unfinished=False)
        if not tell(written):
            return written
    return replace(written, unfinished=False)


def _longer(written: Written, piece: Chunk, started: float) -> Written:
    first_ms = written.first_token_ms or (time.perf_counter() - started) * 1000
    usage = piece.usage or written.usage
    usage = structs.replace(usage, completion_tokens=written.usage.completion_tokens + 1)
    return replace(written, text=written.text + piece.text, usage=usage, first_token_ms=first_ms)
