"""The worker pool: an engine for completions, and others for chat and embeddings if they are named.

All stay loaded. A model that would not fit beside the other is refused when it is asked for, since
a machine that reads weights from the disk again and again answers nobody; nothing is unloaded to
make room for it. With an upstream, a server elsewhere answers in place of the first of them.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from copilotd.config import EngineSection, ModelSection, Settings
from copilotd.engine.fallback import FallbackEngine
from copilotd.engine.interface import Engine
from copilotd.engine.local.client import EngineClient
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import ModelInfo, Phase
from copilotd.engine.upstream.client import UpstreamEngine
from copilotd.engine.upstream.factory import build_upstream
from copilotd.errors import EngineLoadFailed
from copilotd.models import gguf
from copilotd.models.catalogue import load_catalogue
from copilotd.models.hardware import measure_free_memory
from copilotd.models.memory_estimate import MemoryEstimate, estimate_memory
from copilotd.models.provision import Provisioner
from copilotd.models.sources.reference import canonicalize
from copilotd.models.store import ModelStore
from copilotd.paths import Paths
from copilotd.serving.tuning_store import TuningStore, describe_machine
from copilotd.serving.worker_spec import Report, spec_provider


class Role(Enum):
    """What a model is there for."""

    COMPLETION = auto()
    CHAT = auto()
    EMBEDDING = auto()


Provide = Callable[[Report], Awaitable[WorkerSpec]]

_WHAT_TO_DO = (
    "End other programs, lower model.n_ctx, or choose a smaller chat.model or embedding.model; "
    'where these are "", model.name serves for them too.'
)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A model that the settings ask for: where its file comes from, and how it is loaded.

    What it has read is kept in the folder `parked`, what was measured of it in `tunings`. The file
    of `projector`, if there is one, lets it see images; `drafter` is a small model that guesses.
    """

    provision: Provisioner
    settings: ModelSection
    kv_folder: Path
    tuning_store: TuningStore
    projector: Provisioner | None = None
    role: Role = Role.COMPLETION
    draft_model: Provisioner | None = None


def list_model_requests(paths: Paths, settings: Settings) -> tuple[ModelRequest, ...]:
    """The model for completions, and behind it those for chat and embeddings if they are others."""
    store, catalogue = ModelStore(paths.models), load_catalogue()
    tunings = TuningStore(paths.tunings, describe_machine())

    def one(
        role: Role, section: ModelSection, projector: Provisioner | None = None
    ) -> ModelRequest:
        provision = Provisioner(store, catalogue, section)
        small = section.draft_model
        drafter = Provisioner(store, catalogue, small) if small else None
        return ModelRequest(
            provision, section, paths.saved_sequences, tunings, projector, role, drafter
        )

    sight = Provisioner(store, catalogue, settings.projector) if settings.projector else None
    first = one(Role.COMPLETION, settings.model)
    chat = one(Role.CHAT, settings.chat_model, sight) if settings.chat_model else None
    if chat is None or _name(chat) == _name(first):
        first, chat = replace(first, projector=sight), None
    section = settings.embedding_model
    embedding = one(Role.EMBEDDING, section) if section else None
    if embedding and _name(embedding) in {_name(m) for m in (first, chat) if m}:
        embedding = None
    return tuple(model for model in (first, chat, embedding) if model)


def _name(model: ModelRequest) -> str:
    return canonicalize(model.provision.model_name)


@dataclass(frozen=True, slots=True)
class EnginePool:
    """The engine for completions, and those for chat and for embeddings if they are others.

    `upstream` is the server elsewhere that the first asks, if it does.
    """

    completion: Engine
    chat: Engine | None = None
    embedding: Engine | None = None
    upstream: UpstreamEngine | None = None

    @property
    def all(self) -> tuple[Engine, ...]:
        """Each engine once."""
        return tuple(e for e in (self.completion, self.chat, self.embedding) if e)


def build_engine_pool(models: Sequence[ModelRequest], settings: Settings) -> EnginePool:
    """What the settings ask for. Raises: ConfigError for an upstream that cannot be."""
    clients = build_engines(models, settings.engine)
    by_role = {model.role: client for model, client in zip(models, clients, strict=True)}
    local = by_role[Role.COMPLETION]
    others = (by_role.get(Role.CHAT), by_role.get(Role.EMBEDDING))
    if settings.engine.kind == "local":
        return EnginePool(local, *others)
    server = build_upstream(settings.upstream, load_catalogue())
    first = FallbackEngine(server, local) if settings.upstream.fallback else server
    return EnginePool(first, *others, server)


def build_engines(
    models: Sequence[ModelRequest], settings: EngineSection
) -> tuple[EngineClient, ...]:
    """One engine for each; no worker is started before it is asked for."""
    clients: list[EngineClient] = []
    for model in models:
        provide = spec_provider(
            model.provision,
            model.settings,
            model.kv_folder,
            model.tuning_store,
            model.projector,
            model.draft_model,
        )
        alone = len(models) == 1
        clients.append(
            EngineClient(provide if alone else refuse_without_memory(provide, clients), settings)
        )
    return tuple(clients)


def refuse_without_memory(
    provide: Provide, pool: Sequence[Engine], free: Callable[[int], int] = measure_free_memory
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


def _need(spec: WorkerSpec) -> MemoryEstimate:
    first = estimate_memory(gguf.read_header(Path(spec.path)), spec.n_ctx)
    return (
        first + estimate_memory(gguf.read_header(Path(spec.draft)), spec.n_ctx)
        if spec.draft
        else first
    )


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


def _check(
    spec: WorkerSpec, wants: MemoryEstimate, loaded: ModelInfo, free: Callable[[int], int]
) -> None:
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
