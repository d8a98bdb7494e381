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
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import EngineState, Phase
from copilotd.errors import ConfigError, EngineLoadFailed
from copilotd.models.memory_estimate import WORKING
from copilotd.paths import Paths
from copilotd.serving.engines import (
    EnginePool,
    Role,
    build_engine_pool,
    list_model_requests,
    refuse_without_memory,
)
from copilotd.serving.worker_spec import Report
from tests.models.tiny_gguf import F16_TENSOR, METADATA, gguf_bytes, write_gguf

ATTENTION = {
    "qwen2.block_count": 10,
    "qwen2.attention.head_count": 4,
    "qwen2.attention.head_count_kv": 2,
}
KV_BYTES_PER_TOKEN = 10 * 2 * (16 + 16) * 2

LOADED = msgspec.structs.replace(FAKE_MODEL, name="writer", size=1_500_000_000)


class Loaded(FakeEngine):
    """An engine with a model of 1.5 GB, in the phase that the test says."""

    def __init__(self, phase: Phase = Phase.READY, *, gpu: bool = False) -> None:
        super().__init__(info=msgspec.structs.replace(LOADED, gpu_offload=gpu))
        self.set_state(EngineState(phase))


@pytest.fixture
def spec(tmp_path: Path) -> WorkerSpec:
    """A small file, whose KV cache takes about 5 MB."""
    path = write_gguf(tmp_path / "talker.gguf", METADATA | ATTENTION)
    return WorkerSpec(str(path), "talker", n_ctx=4000)


async def asked(spec: WorkerSpec, loaded: FakeEngine, free: int) -> WorkerSpec:
    """What a load gets that finds `loaded`, and `free` bytes beside its file."""

    async def provide(report: Report) -> WorkerSpec:
        return spec

    def left(mapped: int) -> int:
        assert mapped == LOADED.size
        return free

    return await refuse_without_memory(provide, [loaded], left)(lambda state: None)


def need_of(spec: WorkerSpec) -> int:
    return len(gguf_bytes(METADATA | ATTENTION)) + KV_BYTES_PER_TOKEN * spec.n_ctx + WORKING


async def test_a_model_is_loaded_beside_another_if_it_just_fits(spec: WorkerSpec) -> None:
    assert await asked(spec, Loaded(), need_of(spec)) == spec


async def test_a_model_that_does_not_fit_is_refused_with_both_names_and_the_figures(
    tmp_path: Path,
) -> None:
    tensors = [("big", (60_000_000,), F16_TENSOR)]
    path = write_gguf(tmp_path / "big.gguf", METADATA | ATTENTION, tensors)
    spec = WorkerSpec(str(path), "talker", n_ctx=4000)

    with pytest.raises(EngineLoadFailed) as caught:
        await asked(spec, Loaded(), 210_000_000)

    assert caught.value.message == (
        "talker needs 0.3 GB (file 0.1 GB, KV cache 0.0 GB) beside writer, which is loaded "
        "(1.5 GB), and 0.2 GB of memory are free"
    )
    assert caught.value.hint == (
        "End other programs, lower model.n_ctx, or choose a smaller chat.model or "
        'embedding.model; where these are "", model.name serves for them too.'
    )


async def test_a_small_model_that_guesses_for_it_has_to_fit_too(spec: WorkerSpec) -> None:
    both = msgspec.structs.replace(spec, draft=spec.path)
    enough = 2 * need_of(spec) - WORKING

    assert await asked(both, Loaded(), enough) == both
    with pytest.raises(EngineLoadFailed):
        await asked(both, Loaded(), enough - 1)


async def test_a_model_one_byte_too_large_is_refused(spec: WorkerSpec) -> None:
    with pytest.raises(EngineLoadFailed):
        await asked(spec, Loaded(), need_of(spec) - 1)


@pytest.mark.parametrize("phase", [Phase.STOPPED, Phase.DOWNLOADING, Phase.FAILED])
async def test_a_model_that_is_alone_is_left_to_the_system(spec: WorkerSpec, phase: Phase) -> None:
    assert await asked(spec, Loaded(phase), 0) == spec


async def test_the_memory_of_a_gpu_is_not_judged(
    spec: WorkerSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert await asked(spec, Loaded(gpu=True), 0) == spec


async def test_the_memory_of_a_gpu_that_is_not_used_does_not_help(spec: WorkerSpec) -> None:
    with pytest.raises(EngineLoadFailed):
        await asked(msgspec.structs.replace(spec, n_gpu_layers=0), Loaded(gpu=True), 0)


async def test_what_another_load_takes_is_waited_for(spec: WorkerSpec) -> None:
    loading = Loaded(Phase.LOADING)
    asking = asyncio.create_task(asked(spec, loading, 0))
    done, _ = await asyncio.wait([asking], timeout=0.2)
    assert not done

    loading.set_state(EngineState(Phase.READY))

    with pytest.raises(EngineLoadFailed):
        await asking


def settings_of(model: str, chat: str) -> Settings:
    return Settings(
        model=ModelSection(name=model, alias="mine", n_ctx=1024), chat=ChatSection(model=chat)
    )


@pytest.mark.parametrize("chat", ["", "a.gguf", "./a.gguf"])
def test_one_model_serves_both_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chat: str
) -> None:
    monkeypatch.chdir(tmp_path)

    (only,) = list_model_requests(Paths.of_user(), settings_of("a.gguf", chat))

    assert only.settings.name == "a.gguf"


def test_a_second_model_is_loaded_as_the_first_is(tmp_path: Path) -> None:
    first, second = list_model_requests(Paths.of_user(), settings_of("a.gguf", "b.gguf"))

    assert (first.provision.model_name, second.provision.model_name) == ("a.gguf", "b.gguf")
    assert second.settings == first.settings.model_copy(update={"name": "b.gguf", "alias": ""})


def test_a_model_for_embeddings_is_loaded_without_what_only_writing_needs(tmp_path: Path) -> None:
    settings = settings_of("a.gguf", "")
    named = settings.model_copy(update={"embedding": EmbeddingSection(model="c.gguf")})
    same = settings.model_copy(update={"embedding": EmbeddingSection(model="a.gguf")})

    first, third = list_model_requests(Paths.of_user(), named)

    assert (first.role, third.role) == (Role.COMPLETION, Role.EMBEDDING)
    assert (third.provision.model_name, third.settings.n_ctx) == ("c.gguf", 512)
    assert (third.settings.parked_mb, third.settings.parked_disk_mb) == (0, 0)
    assert [one.role for one in list_model_requests(Paths.of_user(), same)] == [Role.COMPLETION]


@pytest.mark.parametrize(("chat", "who_sees"), [("", 0), ("b.gguf", 1)])
def test_the_projector_is_of_the_model_that_chats(chat: str, who_sees: int) -> None:
    section = ChatSection(model=chat, mmproj="eye.gguf")
    settings = settings_of("a.gguf", chat).model_copy(update={"chat": section})

    seeing = [one.projector for one in list_model_requests(Paths.of_user(), settings)]

    assert [bool(projector) for projector in seeing] == [i == who_sees for i in range(len(seeing))]
    projector = seeing[who_sees]
    assert projector is not None
    assert projector.model_name == "eye.gguf"


def test_each_model_has_the_small_one_that_was_named_for_it() -> None:
    settings = Settings(
        model=ModelSection(name="a.gguf", draft="tiny.gguf"),
        chat=ChatSection(model="b.gguf", draft="small.gguf"),
        embedding=EmbeddingSection(model="c.gguf"),
    )

    drafters = [one.draft_model for one in list_model_requests(Paths.of_user(), settings)]

    assert [d.model_name if d else None for d in drafters] == ["tiny.gguf", "small.gguf", None]


def test_a_chat_model_has_none_unless_it_is_named() -> None:
    settings = Settings(
        model=ModelSection(name="a.gguf", draft="tiny.gguf"), chat=ChatSection(model="b.gguf")
    )

    assert [bool(one.draft_model) for one in list_model_requests(Paths.of_user(), settings)] == [
        True,
        False,
    ]


URL = "http://127.0.0.1:1"


def pool_of(upstream: UpstreamSection, kind: str = "upstream", chat: str = "") -> EnginePool:
    settings = Settings(
        engine=EngineSection(kind=kind),  # type: ignore[arg-type]
        upstream=upstream,
        chat=ChatSection(model=chat),
    )
    return build_engine_pool(list_model_requests(Paths.of_user(), settings), settings)


async def test_nothing_is_asked_of_a_server_unless_the_settings_say_so() -> None:
    local = pool_of(UpstreamSection(url=URL), kind="local")

    assert isinstance(local.completion, EngineClient)
    assert (local.chat, local.upstream) == (None, None)


async def test_a_server_answers_with_the_local_model_behind_it_or_alone() -> None:
    both = pool_of(UpstreamSection(url=URL), chat="another")
    alone = pool_of(UpstreamSection(url=URL, fallback=False))

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
def test_an_upstream_that_cannot_be_is_refused_before_anything_starts(
    section: UpstreamSection, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        pool_of(section)
