"""Downloads from Hugging Face and ModelScope, played by a server on loopback."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from copilotd.models.sources.hugging_face import HuggingFace
from copilotd.models.sources.modelscope import ModelScope
from copilotd.models.sources.source import DownloadJob, FetchedFile, SourceFailed
from tests.models.conftest import ProgressRecorder
from tests.models.file_server import Site
from tests.models.tiny_gguf import build_big_gguf, build_gguf, sha256

DATA = build_gguf()
BIG = build_big_gguf()
HF = "/owner/repo/resolve/main"
LISTING = "/api/v1/models/owner/repo/repo/files"
MS = "/models/owner/repo/resolve/master"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny" / "tiny.gguf"


@pytest.fixture(autouse=True)
def no_login(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)


def describe_file(path: str, data: bytes) -> dict[str, object]:
    return {"Path": path, "Size": len(data), "Sha256": sha256(data), "Type": "blob"}


def test_hugging_face_gives_a_file_and_its_checksum(
    site: Site, target: Path, job: DownloadJob, recorder: ProgressRecorder
) -> None:
    site.put(f"{HF}/Q4/m.gguf", DATA)
    site.sha256[f"{HF}/Q4/m.gguf"] = sha256(DATA)
    source = HuggingFace("owner/repo", "Q4/m.gguf", endpoint=site.url)
    partial = target.with_name("tiny.gguf.partial")
    assert source.fetch(target, job) == [FetchedFile(partial, sha256(DATA))]
    assert partial.read_bytes() == DATA
    assert recorder.lines == [
        "Asking Hugging Face for m.gguf",
        "Downloading from Hugging Face",
    ]


def test_only_the_file_is_requested_from_hugging_face(
    site: Site, target: Path, job: DownloadJob
) -> None:
    site.put(f"{HF}/m.gguf", DATA)
    HuggingFace("owner/repo", "m.gguf", endpoint=site.url).fetch(target, job)
    path = f"{HF}/m.gguf"
    assert site.requests == [("HEAD", path, ""), ("GET", path, "")]


def test_the_revision_is_requested_from_hugging_face(
    site: Site, target: Path, job: DownloadJob
) -> None:
    site.put("/owner/repo/resolve/v1.0/m.gguf", DATA)
    HuggingFace("owner/repo", "m.gguf", "v1.0", site.url).fetch(target, job)
    assert site.gets == [("/owner/repo/resolve/v1.0/m.gguf", "")]


def test_the_hugging_face_login_of_the_user_is_sent(
    site: Site, target: Path, job: DownloadJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    site.put(f"{HF}/m.gguf", DATA)
    HuggingFace("owner/repo", "m.gguf", endpoint=site.url).fetch(target, job)
    assert site.tokens == ["Bearer hf_secret", "Bearer hf_secret"]


def test_a_download_from_hugging_face_resumes_after_a_broken_connection(
    site: Site, target: Path, job: DownloadJob
) -> None:
    site.put(f"{HF}/m.gguf", BIG)
    site.sha256[f"{HF}/m.gguf"] = sha256(BIG)
    site.cuts = [1_000_000]
    source = HuggingFace("owner/repo", "m.gguf", endpoint=site.url)
    [arrived] = source.fetch(target, job)
    assert arrived.path.read_bytes() == BIG
    assert [range_ for _, range_ in site.gets] == ["", "bytes=1000000-"]


def test_a_split_model_is_downloaded_with_all_its_parts(
    site: Site, target: Path, job: DownloadJob, recorder: ProgressRecorder
) -> None:
    for number in (1, 2):
        site.put(f"{HF}/m-0000{number}-of-00002.gguf", build_gguf(fill=bytes([number])))
    source = HuggingFace("owner/repo", "m-00001-of-00002.gguf", endpoint=site.url)
    arrived = source.fetch(target, job)
    assert [a.path.name for a in arrived] == [
        "tiny-00001-of-00002.gguf.partial",
        "tiny-00002-of-00002.gguf.partial",
    ]
    assert [a.path.read_bytes()[-1] for a in arrived] == [1, 2]
    assert recorder.lines[1:] == [
        "Downloading from Hugging Face, part 1 of 2",
        "Downloading from Hugging Face, part 2 of 2",
    ]


def test_a_file_with_another_checksum_is_refused_before_the_download(
    site: Site, target: Path, job: DownloadJob
) -> None:
    site.put(f"{HF}/m.gguf", DATA)
    site.sha256[f"{HF}/m.gguf"] = sha256(DATA)
    source = HuggingFace("owner/repo", "m.gguf", endpoint=site.url)
    with pytest.raises(SourceFailed) as caught:
        source.fetch(target, replace(job, sha256=("a" * 64,)))
    assert str(caught.value) == (
        f"the file there is another one: expected sha256 {'a' * 64}, found {sha256(DATA)}"
    )
    assert site.gets == []


def test_the_error_for_a_private_repository_asks_for_a_login(
    site: Site, target: Path, job: DownloadJob
) -> None:
    site.statuses[f"{HF}/m.gguf"] = 401
    with pytest.raises(SourceFailed, match=r"refuses the file \(status 401\)"):
        HuggingFace("owner/repo", "m.gguf", endpoint=site.url).fetch(target, job)


@pytest.mark.parametrize("hub", [HuggingFace, ModelScope])
def test_a_hub_that_does_not_listen_fails_at_once(
    hub: type[HuggingFace | ModelScope],
    closed_url: str,
    target: Path,
    job: DownloadJob,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(SourceFailed) as caught:
        hub("owner/repo", "m.gguf", endpoint=closed_url).fetch(target, job)
    assert pauses == []
    host = closed_url.removeprefix("http://")
    assert str(caught.value) == f"cannot connect to {host}: Connection refused"


def test_modelscope_gives_a_file_and_its_checksum(
    site: Site, target: Path, job: DownloadJob, recorder: ProgressRecorder
) -> None:
    site.answers[LISTING] = {
        "Code": 200,
        "Data": {"Files": [describe_file("README.md", b"hello"), describe_file("m.gguf", DATA)]},
    }
    site.put(f"{MS}/m.gguf", DATA)
    arrived = ModelScope("owner/repo", "m.gguf", endpoint=site.url).fetch(target, job)
    assert arrived == [FetchedFile(target.with_name("tiny.gguf.partial"), sha256(DATA))]
    assert arrived[0].path.read_bytes() == DATA
    assert recorder.lines == ["Asking ModelScope for m.gguf", "Downloading from ModelScope"]


def test_a_download_from_modelscope_resumes_after_a_broken_connection(
    site: Site, target: Path, job: DownloadJob
) -> None:
    site.answers[LISTING] = {"Data": {"Files": [describe_file("m.gguf", BIG)]}}
    site.put(f"{MS}/m.gguf", BIG)
    site.cuts = [1_000_000]
    [arrived] = ModelScope("owner/repo", "m.gguf", endpoint=site.url).fetch(target, job)
    assert arrived.path.read_bytes() == BIG
    assert site.gets[-1] == (f"{MS}/m.gguf", "bytes=1000000-")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"Data": {"Files": []}}, "owner/repo has no file m.gguf"),
        ({"Data": None}, "owner/repo has no file m.gguf"),
        ([1], "sent an invalid answer"),
    ],
)
def test_the_error_says_if_modelscope_does_not_have_the_file(
    site: Site, target: Path, job: DownloadJob, answer: object, words: str
) -> None:
    site.answers[LISTING] = answer
    with pytest.raises(SourceFailed, match=words):
        ModelScope("owner/repo", "m.gguf", endpoint=site.url).fetch(target, job)
