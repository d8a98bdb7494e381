"""The engines of the daemon: one for completions, and others for chat and embeddings if named.

All models stay loaded. A model that does not fit in memory next to the loaded ones is refused,
because a machine that keeps reading weights from the disk is too slow to answer; no model is
unloaded to make room. With an upstream, another server answers in place of the completion model.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from copilotd.config import EngineSection, ModelSection, Settings
from copilotd.engine.fallback import FallbackEngine
from copilotd.engine.interface import Engine
from copilotd.engine.local.client import EngineClient
from copilotd.engine.local.supervisor import SpecProvider, StateListener
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
from copilotd.serving.worker_spec import spec_provider


class Role(Enum):
    """The purpose of a model."""

    COMPLETION = auto()
    CHAT = auto()
    EMBEDDING = auto()


_MEMORY_HINT = (
    "End other programs, lower model.n_ctx, or choose a smaller chat.model or embedding.model; "
    'if these are "", model.name is used for them too.'
)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A model that the settings ask for: where its file comes from, and how it is loaded.

    Saved KV states go to `kv_folder`, measurements to `tuning_store`. `projector` provides the file
    for images, and `draft_model` the model for speculative decoding; None without one.
    """

    provisioner: Provisioner
    settings: ModelSection
    kv_folder: Path
    tuning_store: TuningStore
    projector: Provisioner | None = None
    role: Role = Role.COMPLETION
    draft_model: Provisioner | None = None


def list_model_requests(paths: Paths, settings: Settings) -> tuple[ModelRequest, ...]:
    """The completion model, then the models for chat and embeddings if they are different."""
    store, catalogue = ModelStore(paths.models), load_catalogue()
    tuning_store = TuningStore(paths.tunings, describe_machine())

    def build_provisioner(section: ModelSection | None) -> Provisioner | None:
        return Provisioner(store, catalogue, section) if section else None

    def request(role: Role, section: ModelSection) -> ModelRequest:
        return ModelRequest(
            provisioner=Provisioner(store, catalogue, section),
            settings=section,
            kv_folder=paths.saved_sequences,
            tuning_store=tuning_store,
            role=role,
            draft_model=build_provisioner(section.draft_model),
        )

    completion = request(Role.COMPLETION, settings.model)
    chat = request(Role.CHAT, settings.chat_model) if settings.chat_model else None
    if chat is not None and _model_name(chat) == _model_name(completion):
        chat = None
    projector = build_provisioner(settings.projector)
    if chat is None:
        models: tuple[ModelRequest, ...] = (replace(completion, projector=projector),)
    else:
        models = (completion, replace(chat, projector=projector))
    if settings.embedding_model:
        embedding = request(Role.EMBEDDING, settings.embedding_model)
        if _model_name(embedding) not in map(_model_name, models):
            models += (embedding,)
    return models


def _model_name(model: ModelRequest) -> str:
    return canonicalize(model.provisioner.model_name)


@dataclass(frozen=True, slots=True)
class EnginePool:
    """The engine for completions, and the engines for chat and embeddings if they are different.

    `upstream` is the engine of the server that answers completions; None without one.
    """

    completion: Engine
    chat: Engine | None = None
    embedding: Engine | None = None
    upstream: UpstreamEngine | None = None

    @property
    def all(self) -> tuple[Engine, ...]:
        """Every engine once."""
        return tuple(e for e in (self.completion, self.chat, self.embedding) if e)


def build_engine_pool(models: Sequence[ModelRequest], settings: Settings) -> EnginePool:
    """Build the engines of `models`. Raises: ConfigError for invalid upstream settings."""
    clients = build_engines(models, settings.engine)
    by_role = {model.role: client for model, client in zip(models, clients, strict=True)}
    local = by_role[Role.COMPLETION]
    others = (by_role.get(Role.CHAT), by_role.get(Role.EMBEDDING))
    if settings.engine.kind == "local":
        return EnginePool(local, *others)
    upstream = build_upstream(settings.upstream, load_catalogue())
    completion = FallbackEngine(upstream, local) if settings.upstream.fallback else upstream
    return EnginePool(completion, *others, upstream)


def build_engines(
    models: Sequence[ModelRequest], settings: EngineSection
) -> tuple[EngineClient, ...]:
    """Build one engine per model; a worker starts only with its first request."""
    clients: list[EngineClient] = []
    for model in models:
        provide_spec = spec_provider(
            model.provisioner,
            model.settings,
            model.kv_folder,
            model.tuning_store,
            model.projector,
            model.draft_model,
        )
        if len(models) > 1:
            provide_spec = refuse_without_memory(provide_spec, clients)
        clients.append(EngineClient(provide_spec, settings))
    return tuple(clients)


def refuse_without_memory(
    provide_spec: SpecProvider,
    engines: Sequence[Engine],
    measure_free: Callable[[int], int] = measure_free_memory,
) -> SpecProvider:
    """Wrap `provide_spec` so that it refuses a model that does not fit next to the loaded ones.

    `engines` may contain the engine that asks, because it is not loaded yet. `measure_free(mapped)`
    returns the free bytes if `mapped` bytes of files stay in memory.

    Raises (the result): EngineLoadFailed, and what `provide_spec` raises.
    """

    async def provide_spec_if_it_fits(report: StateListener) -> WorkerSpec:
        spec = await provide_spec(report)
        estimate = await asyncio.to_thread(_estimate_memory, spec)
        for engine in engines:
            await _wait_while_loading(engine)
            # There is no await after this line, so no other load can begin before this one.
            if engine.state.phase is Phase.READY:
                _check_memory(spec, estimate, await engine.info(), measure_free)
        return spec

    return provide_spec_if_it_fits


def _estimate_memory(spec: WorkerSpec) -> MemoryEstimate:
    """The memory of the model and its draft model."""
    estimate = estimate_memory(gguf.read_header(Path(spec.path)), spec.n_ctx)
    if spec.draft:
        estimate += estimate_memory(gguf.read_header(Path(spec.draft)), spec.n_ctx)
    return estimate


async def _wait_while_loading(engine: Engine) -> None:
    """Wait for the end of a load, because the memory it will take still counts as free."""
    changed = asyncio.Event()
    unsubscribe = engine.subscribe(lambda state: changed.set())
    try:
        while engine.state.phase is Phase.LOADING:
            changed.clear()
            await changed.wait()
    finally:
        unsubscribe()


def _check_memory(
    spec: WorkerSpec,
    estimate: MemoryEstimate,
    loaded: ModelInfo,
    measure_free: Callable[[int], int],
) -> None:
    if loaded.gpu_offload and spec.n_gpu_layers and sys.platform != "darwin":
        # The model goes to the GPU's own memory, and llama.cpp reports if that is too small.
        return
    free = max(0, measure_free(loaded.size))
    if estimate.total > free:
        raise EngineLoadFailed(
            f"{spec.name} needs {estimate} beside {loaded.name}, which is loaded "
            f"({loaded.size / 10**9:.1f} GB), and {free / 10**9:.1f} GB of memory are free",
            _MEMORY_HINT,
        )
