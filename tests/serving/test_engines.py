import asyncio
from pathlib import Path

import msgspec
import pytest

from copilotd.config import (
    ChatSection,
    EmbeddingSection,
    EngineSection,
    ModelSection,
    Settings,
    UpstreamSection,
)
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.fallback import FallbackEngine
from copilotd.engine.local.client import EngineClient
from copilotd.engine.local.supervisor import StateListener
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import EngineState, Phase
from copilotd.errors import ConfigError, EngineLoadFailed
from copilotd.models.memory_estimate import OVERHEAD_BYTES
from copilotd.paths import Paths
from copilotd.serving.engines import (
    EnginePool,
    Role,
    build_engine_pool,
    list_model_requests,
    refuse_without_memory,
)
from tests.models.tiny_gguf import F16_TENSOR, METADATA, build_gguf, write_gguf

ATTENTION = {
    "qwen2.block_count": 10,
    "qwen2.attention.head_count": 4,
    "qwen2.attention.head_count_kv": 2,
}
KV_BYTES_PER_TOKEN = 10 * 2 * (16 + 16) * 2

LOADED_MODEL = msgspec.structs.replace(FAKE_MODEL, name="writer", size=1_500_000_000)


class LoadedEngine(FakeEngine):
    """A fake engine with a model of 1.5 GB, in the given phase."""

    def __init__(self, phase: Phase = Phase.READY, *, gpu: bool = False) -> None:
        super().__init__(info=msgspec.structs.replace(LOADED_MODEL, gpu_offload=gpu))
        self.set_state(EngineState(phase))


@pytest.fixture
def spec(tmp_path: Path) -> WorkerSpec:
    """A spec with a small file; its KV cache takes about 5 MB."""
    path = write_gguf(tmp_path / "talker.gguf", METADATA | ATTENTION)
    return WorkerSpec(str(path), "talker", n_ctx=4000)


async def provide_beside(spec: WorkerSpec, loaded: FakeEngine, free: int) -> WorkerSpec:
    """Provide `spec` while `loaded` is loaded and `free` bytes are free besides its file."""

    async def provide(report: StateListener) -> WorkerSpec:
        return spec

    def measure_free(mapped: int) -> int:
        assert mapped == LOADED_MODEL.size
        return free

    return await refuse_without_memory(provide, [loaded], measure_free)(lambda state: None)


def estimate_spec_memory(spec: WorkerSpec) -> int:
    return len(build_gguf(METADATA | ATTENTION)) + KV_BYTES_PER_TOKEN * spec.n_ctx + OVERHEAD_BYTES


async def test_a_model_that_just_fits_beside_another_is_loaded(spec: WorkerSpec) -> None:
    assert await provide_beside(spec, LoadedEngine(), estimate_spec_memory(spec)) == spec


async def test_a_model_that_does_not_fit_is_refused_with_both_names_and_the_figures(
    tmp_path: Path,
) -> None:
    tensors = [("big", (60_000_000,), F16_TENSOR)]
    path = write_gguf(tmp_path / "big.gguf", METADATA | ATTENTION, tensors)
    spec = WorkerSpec(str(path), "talker", n_ctx=4000)

    with pytest.raises(EngineLoadFailed) as caught:
        await provide_beside(spec, LoadedEngine(), 210_000_000)

    assert caught.value.message == (
        "talker needs 0.3 GB (file 0.1 GB, KV cache 0.0 GB) beside writer, which is loaded "
        "(1.5 GB), and 0.2 GB of memory are free"
    )
    assert caught.value.hint == (
        "End other programs, lower model.n_ctx, or choose a smaller chat.model or "
        'embedding.model; if these are "", model.name is used for them too.'
    )


async def test_the_draft_model_has_to_fit_too(spec: WorkerSpec) -> None:
    both = msgspec.structs.replace(spec, draft=spec.path)
    enough = 2 * estimate_spec_memory(spec) - OVERHEAD_BYTES

    assert await provide_beside(both, LoadedEngine(), enough) == both
    with pytest.raises(EngineLoadFailed):
        await provide_beside(both, LoadedEngine(), enough - 1)


async def test_a_model_one_byte_too_large_is_refused(spec: WorkerSpec) -> None:
    with pytest.raises(EngineLoadFailed):
        await provide_beside(spec, LoadedEngine(), estimate_spec_memory(spec) - 1)


@pytest.mark.parametrize("phase", [Phase.STOPPED, Phase.DOWNLOADING, Phase.FAILED])
async def test_without_another_loaded_model_memory_is_not_checked(
    spec: WorkerSpec, phase: Phase
) -> None:
    assert await provide_beside(spec, LoadedEngine(phase), 0) == spec


async def test_the_memory_of_a_gpu_is_not_checked(
    spec: WorkerSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert await provide_beside(spec, LoadedEngine(gpu=True), 0) == spec


async def test_a_gpu_that_is_not_used_does_not_skip_the_check(spec: WorkerSpec) -> None:
    with pytest.raises(EngineLoadFailed):
        await provide_beside(
            msgspec.structs.replace(spec, n_gpu_layers=0), LoadedEngine(gpu=True), 0
        )


async def test_a_load_waits_for_another_load_before_it_checks_memory(spec: WorkerSpec) -> None:
    loading = LoadedEngine(Phase.LOADING)
    load = asyncio.create_task(provide_beside(spec, loading, 0))
    done, _ = await asyncio.wait([load], timeout=0.2)
    assert not done

    loading.set_state(EngineState(Phase.READY))

    with pytest.raises(EngineLoadFailed):
        await load


def build_settings(model: str, chat: str) -> Settings:
    return Settings(
        model=ModelSection(name=model, alias="mine", n_ctx=1024), chat=ChatSection(model=chat)
    )


@pytest.mark.parametrize("chat", ["", "a.gguf", "./a.gguf"])
def test_one_model_serves_completions_and_chat_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chat: str
) -> None:
    monkeypatch.chdir(tmp_path)

    (only,) = list_model_requests(Paths.of_user(), build_settings("a.gguf", chat))

    assert only.settings.name == "a.gguf"


def test_a_chat_model_is_loaded_with_the_settings_of_the_first_model(tmp_path: Path) -> None:
    first, second = list_model_requests(Paths.of_user(), build_settings("a.gguf", "b.gguf"))

    assert (first.provisioner.model_name, second.provisioner.model_name) == ("a.gguf", "b.gguf")
    assert second.settings == first.settings.model_copy(update={"name": "b.gguf", "alias": ""})


def test_an_embedding_model_is_loaded_without_saved_kv_states(tmp_path: Path) -> None:
    settings = build_settings("a.gguf", "")
    named = settings.model_copy(update={"embedding": EmbeddingSection(model="c.gguf")})
    same = settings.model_copy(update={"embedding": EmbeddingSection(model="a.gguf")})

    first, third = list_model_requests(Paths.of_user(), named)

    assert (first.role, third.role) == (Role.COMPLETION, Role.EMBEDDING)
    assert (third.provisioner.model_name, third.settings.n_ctx) == ("c.gguf", 512)
    assert (third.settings.parked_mb, third.settings.parked_disk_mb) == (0, 0)
    assert [one.role for one in list_model_requests(Paths.of_user(), same)] == [Role.COMPLETION]


@pytest.mark.parametrize(("chat", "with_projector"), [("", 0), ("b.gguf", 1)])
def test_the_chat_model_has_the_projector(chat: str, with_projector: int) -> None:
    section = ChatSection(model=chat, mmproj="projector.gguf")
    settings = build_settings("a.gguf", chat).model_copy(update={"chat": section})

    projectors = [one.projector for one in list_model_requests(Paths.of_user(), settings)]

    assert [bool(projector) for projector in projectors] == [
        i == with_projector for i in range(len(projectors))
    ]
    projector = projectors[with_projector]
    assert projector is not None
    assert projector.model_name == "projector.gguf"


def test_each_model_has_its_own_draft_model() -> None:
    settings = Settings(
        model=ModelSection(name="a.gguf", draft="tiny.gguf"),
        chat=ChatSection(model="b.gguf", draft="small.gguf"),
        embedding=EmbeddingSection(model="c.gguf"),
    )

    drafters = [one.draft_model for one in list_model_requests(Paths.of_user(), settings)]

    assert [d.model_name if d else None for d in drafters] == ["tiny.gguf", "small.gguf", None]


def test_a_chat_model_does_not_inherit_the_draft_model() -> None:
    settings = Settings(
        model=ModelSection(name="a.gguf", draft="tiny.gguf"), chat=ChatSection(model="b.gguf")
    )

    assert [bool(one.draft_model) for one in list_model_requests(Paths.of_user(), settings)] == [
        True,
        False,
    ]


URL = "http://127.0.0.1:1"


def build_pool(upstream: UpstreamSection, kind: str = "upstream", chat: str = "") -> EnginePool:
    settings = Settings(
        engine=EngineSection(kind=kind),  # type: ignore[arg-type]
        upstream=upstream,
        chat=ChatSection(model=chat),
    )
    return build_engine_pool(list_model_requests(Paths.of_user(), settings), settings)


async def test_by_default_no_upstream_server_is_used() -> None:
    local = build_pool(UpstreamSection(url=URL), kind="local")

    assert isinstance(local.completion, EngineClient)
    assert (local.chat, local.upstream) == (None, None)


async def test_an_upstream_engine_has_a_local_fallback_unless_the_settings_turn_it_off() -> None:
    both = build_pool(UpstreamSection(url=URL), chat="another")
    alone = build_pool(UpstreamSection(url=URL, fallback=False))

    assert isinstance(both.completion, FallbackEngine)
    assert isinstance(both.chat, EngineClient)
    assert (alone.completion, alone.all) == (alone.upstream, (alone.upstream,))
    for engine in (*both.all, *alone.all):
        await engine.close()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (UpstreamSection(), 'engine.kind is "upstream", and upstream.url is empty'),
        (UpstreamSection(url=URL, family="x"), "upstream.family: unknown family x"),
        (UpstreamSection(url=URL, key="two\nlines"), "characters that no key can have"),
        (UpstreamSection(url=URL, key_file="/no/key"), "upstream.key_file: .* '/no/key'"),
    ],
)
def test_invalid_upstream_settings_are_refused_before_anything_starts(
    section: UpstreamSection, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build_pool(section)
