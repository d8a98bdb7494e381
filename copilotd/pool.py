"""The worker pool: an engine for completions, and one for chat if the settings name another model.

Both stay loaded. A model that would not fit beside the other is refused when it is asked for, since
a machine that reads weights from the disk again and again answers nobody; nothing is unloaded to
make room for it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from copilotd.config import EngineSection, ModelSection, Settings
from copilotd.engine.client import EngineClient
from copilotd.engine.protocol import Engine, WorkerSpec
from copilotd.errors import EngineLoadFailed
from copilotd.loading import Report, provider
from copilotd.models import gguf
from copilotd.models.catalogue import load_catalogue
from copilotd.models.machine import free_memory
from copilotd.models.need import Need, need
from copilotd.models.provision import Provision
from copilotd.models.sources.reference import canonical
from copilotd.models.store import Store
from copilotd.models.tuning import Tunings, describe_machine
from copilotd.paths import Paths
from copilotd.types import ModelInfo, Phase

Provide = Callable[[Report], Awaitable[WorkerSpec]]

_WHAT_TO_DO = (
    "End other programs, lower model.n_ctx, or choose a smaller chat.model; "
    'with chat.model = "" one model serves both.'
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that the settings ask for: where its file comes from, and how it is loaded.

    What it has read is kept in the folder `parked`, what was measured of it in `tunings`.
    """

    provision: Provision
    settings: ModelSection
    parked: Path
    tunings: Tunings


def wanted(paths: Paths, settings: Settings) -> tuple[Wanted, ...]:
    """The model for completions, and behind it that for chat if it is another one."""
    store, catalogue = Store(paths.models), load_catalogue()
    tunings = Tunings(paths.tunings, describe_machine())
    provision = Provision(store, catalogue, settings.model)
    first = Wanted(provision, settings.model, paths.parked, tunings)
    section = settings.chat_model
    if section is None:
        return (first,)
    second = Wanted(Provision(store, catalogue, section), section, paths.parked, tunings)
    names = {canonical(one.provision.wanted) for one in (first, second)}
    return (first, second) if len(names) == 2 else (first,)


def engines(models: Sequence[Wanted], settings: EngineSection) -> tuple[EngineClient, ...]:
    """One engine for each; no worker is started before it is asked for."""
    pool: list[EngineClient] = []
    for model in models:
        provide = provider(model.provision, model.settings, model.parked, model.tunings)
        alone = len(models) == 1
        pool.append(EngineClient(provide if alone else beside(provide, pool), settings))
    return tuple(pool)


def beside(
    provide: Provide, pool: Sequence[Engine], free: Callable[[int], int] = free_memory
) -> Provide:
    """The same, but refusing a model that does not fit beside what is loaded in `pool`.

    The engine that asks may be in the pool itself: it is not loaded yet. `free(mapped)` are the
    bytes to be had while `mapped` bytes of files stay in memory.

    Raises (what is returned): EngineLoadFailed, and what `provide` raises.
    """

    async def provide_if_it_fits(report: Report) -> WorkerSpec:
        spec = await provide(report)
        wants = await asyncio.to_thread(_need, spec)
        for other in pool:
            await _settled(other)
            # Nothing is awaited from here on, so no other load can begin before this one does.
            if other.state.phase is Phase.READY:
                _check(spec, wants, await other.info(), free)
        return spec

    return provide_if_it_fits


def _need(spec: WorkerSpec) -> Need:
    return need(gguf.read(Path(spec.path)), spec.n_ctx)


async def _settled(engine: Engine) -> None:
    """Wait while it loads: what it is going to take still counts as free."""
    changed = asyncio.Event()
    unsubscribe = engine.subscribe(lambda state: changed.set())
    try:
        while engine.state.phase is Phase.LOADING:
            changed.clear()
            await changed.wait()
    finally:
        unsubscribe()


def _check(spec: WorkerSpec, wants: Need, loaded: ModelInfo, free: Callable[[int], int]) -> None:
    if loaded.gpu_offload and spec.n_gpu_layers and sys.platform != "darwin":
        # It goes to the GPU's own memory, and llama.cpp says itself if that is too small.
        return
    left = max(0, free(loaded.size))
    if wants.total > left:
        raise EngineLoadFailed(
            f"{spec.name} needs {wants} beside {loaded.name}, which is loaded "
            f"({loaded.size / 10**9:.1f} GB), and {left / 10**9:.1f} GB of memory are free",
            _WHAT_TO_DO,
        )
