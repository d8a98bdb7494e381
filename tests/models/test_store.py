import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from copilotd.errors import CorruptModel, DownloadCancelled, ModelError, ModelNotFound
from copilotd.models.sources.source import DownloadJob, FetchedFile
from copilotd.models.store import ModelStore, StoredModel
from tests.models.conftest import ProgressRecorder
from tests.models.tiny_gguf import build_gguf, sha256, write_gguf

DATA = build_gguf()


def write_download(
    store: ModelStore, name: str, data: bytes = DATA, known: str = ""
) -> list[FetchedFile]:
    """Write a finished download of the model `name`; return its file."""
    partial = store.target(name).with_name(f"{name}.gguf.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(data)
    return [FetchedFile(partial, known)]


def install(store: ModelStore, name: str, job: DownloadJob, data: bytes = DATA) -> StoredModel:
    return store.install(name, write_download(store, name, data), f"hf:o/r/{name}.gguf", job)


def test_an_empty_store_has_nothing_and_creates_nothing(store: ModelStore) -> None:
    assert (store.records, store.default, store.find("tiny")) == ([], "", None)
    assert not store.folder.exists()


def test_an_installed_model_is_listed_with_its_checksum(
    store: ModelStore, job: DownloadJob
) -> None:
    record = install(store, "tiny", job)
    [file] = record.files
    assert (file.path, file.size, file.sha256) == ("tiny/tiny.gguf", len(DATA), sha256(DATA))
    assert record.origin == "hf:o/r/tiny.gguf"
    assert ModelStore(store.folder).records == [record]
    assert store.list_paths(record) == [store.folder / "tiny" / "tiny.gguf"]
    assert store.list_paths(record)[0].read_bytes() == DATA
    assert [p.name for p in (store.folder / "tiny").iterdir()] == ["tiny.gguf"]


def test_the_first_model_is_the_default_until_another_is_chosen(
    store: ModelStore, job: DownloadJob
) -> None:
    install(store, "b", job)
    install(store, "a", job)
    assert store.default == "b"
    store.set_default("a")
    assert store.default == "a"
    assert [record.name for record in store.records] == ["a", "b"]


def test_a_model_that_is_not_installed_cannot_be_the_default(
    store: ModelStore, job: DownloadJob
) -> None:
    install(store, "tiny", job)
    with pytest.raises(ModelNotFound) as caught:
        store.set_default("other")
    assert caught.value.message == "'other' is not installed (installed: tiny)"
    assert caught.value.hint == "Install it with `copilotd models pull other`."


def test_removing_a_model_deletes_its_files_and_another_becomes_the_default(
    store: ModelStore, job: DownloadJob
) -> None:
    install(store, "a", job)
    install(store, "b", job)
    store.remove("a")
    assert (store.default, [r.name for r in store.records]) == ("b", ["b"])
    assert not (store.folder / "a").exists()
    store.remove("b")
    assert (store.default, store.records) == ("", [])


def test_a_wrong_checksum_is_reported_with_both_values_and_the_file_is_deleted(
    store: ModelStore, job: DownloadJob
) -> None:
    arrived = write_download(store, "tiny", known="a" * 64)
    with pytest.raises(CorruptModel) as caught:
        store.install("tiny", arrived, "hf:o/r/tiny.gguf", job)
    assert caught.value.message == (
        f"{arrived[0].path} has the wrong checksum: expected sha256 {'a' * 64}, "
        f"found {sha256(DATA)}"
    )
    assert caught.value.hint == "Download it again: copilotd models pull tiny"
    assert store.records == []
    assert list((store.folder / "tiny").iterdir()) == []


def test_the_checksum_of_the_catalogue_overrides_that_of_the_source(
    store: ModelStore, job: DownloadJob
) -> None:
    pinned = replace(job, sha256=("b" * 64,))
    for known in ("", sha256(DATA)):
        with pytest.raises(CorruptModel, match=f"expected sha256 {'b' * 64}"):
            store.install(
                "tiny", write_download(store, "tiny", known=known), "hf:o/r/t.gguf", pinned
            )


@pytest.mark.parametrize("data", [b"<html>login</html>", DATA[:-1]])
def test_a_damaged_file_never_becomes_visible(
    store: ModelStore, job: DownloadJob, data: bytes
) -> None:
    with pytest.raises(CorruptModel):
        install(store, "tiny", job, data)
    assert store.records == []
    assert list((store.folder / "tiny").iterdir()) == []


def test_no_part_of_a_split_model_becomes_visible_if_one_is_damaged(
    store: ModelStore, job: DownloadJob
) -> None:
    folder = store.target("tiny").parent
    folder.mkdir(parents=True)
    partials = [folder / f"tiny-0000{n}-of-00002.gguf.partial" for n in (1, 2)]
    for partial, data in zip(partials, (DATA, DATA[:-1]), strict=True):
        partial.write_bytes(data)
    with pytest.raises(CorruptModel):
        store.install("tiny", [FetchedFile(p) for p in partials], "hf:o/r/t.gguf", job)
    assert [p.name for p in folder.iterdir()] == ["tiny-00001-of-00002.gguf.partial"]


def test_an_added_file_of_the_user_stays_in_place(
    store: ModelStore, job: DownloadJob, tmp_path: Path
) -> None:
    mine = write_gguf(tmp_path / "mine.gguf")
    record = store.install("mine", [FetchedFile(mine)], str(mine), job)
    assert store.list_paths(record) == [mine]
    assert record.files[0].sha256 == ""
    store.remove("mine")
    assert mine.read_bytes() == DATA


def test_a_damaged_file_of_the_user_is_refused_but_not_changed(
    store: ModelStore, job: DownloadJob, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(DATA[:-1])
    with pytest.raises(CorruptModel):
        store.install("mine", [FetchedFile(mine)], str(mine), job)
    assert mine.read_bytes() == DATA[:-1]


def test_an_unchanged_model_is_checked_without_reading_the_whole_file(
    store: ModelStore, job: DownloadJob, recorder: ProgressRecorder
) -> None:
    record = install(store, "tiny", job)
    recorder.steps.clear()
    store.check(record, job)
    assert recorder.steps == []
    store.verify_checksums(record, job)
    assert recorder.lines == ["Checking tiny"]


def test_a_changed_file_is_detected_by_its_checksum(store: ModelStore, job: DownloadJob) -> None:
    record = install(store, "tiny", job)
    path = store.list_paths(record)[0]
    path.write_bytes(build_gguf(fill=b"\x01"))
    os.utime(path, ns=(1, 1))
    with pytest.raises(CorruptModel) as caught:
        store.check(record, job)
    assert caught.value.message == (
        f"{path} has the wrong checksum: expected sha256 {sha256(DATA)}, "
        f"found {sha256(build_gguf(fill=bytes([1])))}"
    )


def test_the_error_for_a_missing_file_says_that_it_is_missing(
    store: ModelStore, job: DownloadJob
) -> None:
    record = install(store, "tiny", job)
    path = store.list_paths(record)[0]
    path.unlink()
    with pytest.raises(CorruptModel) as caught:
        store.check(record, job)
    assert (caught.value.message, caught.value.hint) == (
        f"{path} is missing",
        "Download it again: copilotd models pull tiny",
    )


def test_an_added_file_of_the_user_may_change(
    store: ModelStore, job: DownloadJob, tmp_path: Path
) -> None:
    mine = write_gguf(tmp_path / "mine.gguf")
    record = store.install("mine", [FetchedFile(mine)], str(mine), job)
    mine.write_bytes(build_gguf(fill=b"\x05"))
    store.verify_checksums(record, job)

    assert store.get("mine") == record


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "a b", "-x"])
def test_a_name_that_could_leave_the_folder_is_refused(store: ModelStore, name: str) -> None:
    with pytest.raises(ModelError) as caught:
        store.target(name)
    assert caught.value.message == f"A model cannot be called {name!r}"


def test_the_error_for_a_damaged_index_names_the_next_step(store: ModelStore) -> None:
    store.folder.mkdir()
    (store.folder / "index.json").write_text("{")
    with pytest.raises(
        ModelError, match=r"Cannot read the list of models .*index\.json: "
    ) as caught:
        _ = store.records
    assert caught.value.hint == "Move the file away, then pull or add the models again."


def test_many_concurrent_installations_are_all_listed(store: ModelStore, job: DownloadJob) -> None:
    names = [f"m{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: install(ModelStore(store.folder), name, job), names))
    assert [record.name for record in store.records] == sorted(names)


def test_a_check_can_be_cancelled(store: ModelStore, job: DownloadJob) -> None:
    cancelled = threading.Event()
    cancelled.set()
    arrived = write_download(store, "tiny")
    with pytest.raises(DownloadCancelled):
        store.install("tiny", arrived, "hf:o/r/t.gguf", replace(job, cancelled=cancelled))
    assert arrived[0].path.exists()
    assert store.records == []
