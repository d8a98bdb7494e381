"""Plain downloads from a real server on loopback. Each hub downloads in the same way."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from copilotd.errors import DiskFull, DownloadCancelled
from copilotd.models.progress import Progress
from copilotd.models.sources.source import RESERVE, DownloadJob, FetchedFile, SourceFailed
from copilotd.models.sources.url import Url
from tests.models.conftest import ProgressRecorder
from tests.models.file_server import Site
from tests.models.tiny_gguf import build_big_gguf, sha256

DATA = build_big_gguf()
OTHER = build_big_gguf(fill=b"\x09")
CUT = 1_000_000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny" / "tiny.gguf"


@pytest.fixture
def partial(target: Path) -> Path:
    return target.with_name("tiny.gguf.partial")


def test_a_file_is_downloaded_whole_and_its_progress_is_reported(
    site: Site, target: Path, partial: Path, job: DownloadJob, recorder: ProgressRecorder
) -> None:
    source = Url(site.put("/m.gguf", DATA))
    assert source.fetch(target, job) == [FetchedFile(partial)]
    assert partial.read_bytes() == DATA
    assert not target.exists()
    text = f"Downloading from {source.label}"
    assert {(step.text, step.total) for step in recorder.steps} == {(text, len(DATA))}
    done = [step.done for step in recorder.steps]
    assert done == sorted(done)
    assert (len(done), done[-1]) == (3, len(DATA))


def test_a_download_resumes_where_the_connection_broke(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    site.cuts = [CUT, CUT]
    Url(site.put("/m.gguf", DATA)).fetch(target, job)
    assert partial.read_bytes() == DATA
    ranges = [range_ for _, range_ in site.gets]
    assert ranges == ["", f"bytes={CUT}-", f"bytes={2 * CUT}-"]


def test_a_download_fails_if_the_server_sends_nothing_more(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed, match=r"the connection to 127\.0\.0\.1:\d+ broke: "):
        Url(site.put("/m.gguf", DATA)).fetch(target, job)
    assert partial.read_bytes() == DATA[:CUT]


def test_a_later_attempt_resumes_after_the_bytes_of_the_first(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    url = site.put("/m.gguf", DATA)
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(url).fetch(target, job)
    site.requests.clear()
    Url(url).fetch(target, job)
    assert partial.read_bytes() == DATA
    assert site.gets == [("/m.gguf", f"bytes={CUT}-")]


def test_a_file_that_changed_on_the_server_is_downloaded_from_the_start(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    url = site.put("/m.gguf", DATA)
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(url).fetch(target, job)
    site.put("/m.gguf", OTHER)
    Url(url).fetch(target, job)
    assert partial.read_bytes() == OTHER


def test_a_server_without_ranges_sends_the_whole_file_again(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    site.has_ranges, site.cuts = False, [CUT]
    Url(site.put("/m.gguf", DATA)).fetch(target, job)
    assert partial.read_bytes() == DATA


def test_without_an_etag_a_download_never_resumes(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    url = site.put("/m.gguf", DATA)
    site.has_etags, site.cuts = False, [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(url).fetch(target, job)
    site.put("/m.gguf", OTHER)
    site.requests.clear()
    Url(url).fetch(target, job)
    assert partial.read_bytes() == OTHER
    assert site.gets == [("/m.gguf", "")]


def test_a_download_with_a_known_checksum_resumes_from_another_server(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    known = replace(job, size=len(DATA), sha256=(sha256(DATA),))
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(site.put("/here.gguf", DATA)).fetch(target, known)
    Url(site.put("/there.gguf", DATA)).fetch(target, known)
    assert partial.read_bytes() == DATA
    assert site.gets[-1] == ("/there.gguf", f"bytes={CUT}-")


def test_a_complete_file_is_not_requested_again(site: Site, target: Path, job: DownloadJob) -> None:
    known = replace(job, size=len(DATA), sha256=(sha256(DATA),))
    source = Url(site.put("/m.gguf", DATA))
    source.fetch(target, known)
    site.requests.clear()
    source.fetch(target, known)
    assert site.requests == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "has no such file (status 404)"),
        (500, "answers with status 500"),
        (
            403,
            "refuses the file (status 403): it does not exist, or you must log in and perhaps "
            "accept its licence there",
        ),
    ],
)
def test_a_refusal_of_the_server_is_explained_in_the_error(
    site: Site, target: Path, job: DownloadJob, status: int, words: str
) -> None:
    url = site.put("/m.gguf", DATA)
    site.statuses["/m.gguf"] = status
    with pytest.raises(SourceFailed) as caught:
        Url(url).fetch(target, job)
    assert str(caught.value) == f"{site.url.removeprefix('http://')} {words}"


def test_a_server_that_does_not_listen_fails_at_once(
    closed_url: str, target: Path, job: DownloadJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(SourceFailed) as caught:
        Url(f"{closed_url}/m.gguf").fetch(target, job)
    assert pauses == []
    host = closed_url.removeprefix("http://")
    assert str(caught.value) == f"cannot connect to {host}: Connection refused"


def test_a_full_disk_fails_before_the_download_and_the_error_says_how_much_is_missing(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    small = replace(job, measure_free_space=lambda folder: RESERVE + len(DATA) - 500_000)
    with pytest.raises(DiskFull) as caught:
        Url(site.put("/m.gguf", DATA)).fetch(target, small)
    assert caught.value.message == (
        f"The disk of {target.parent} has no room for 3 MB: 500 kB more are needed"
    )
    assert not partial.exists()


def test_a_resumed_download_needs_space_for_the_rest_only(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    url = site.put("/m.gguf", DATA)
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(url).fetch(target, job)
    small = replace(job, measure_free_space=lambda folder: RESERVE + len(DATA) - CUT)
    Url(url).fetch(target, small)
    assert partial.read_bytes() == DATA


def test_a_cancelled_download_stops_and_keeps_its_bytes(
    site: Site, target: Path, partial: Path
) -> None:
    cancelled = threading.Event()

    def cancel_at_once(step: Progress) -> None:
        cancelled.set()

    source = Url(site.put("/m.gguf", DATA))
    with pytest.raises(DownloadCancelled):
        source.fetch(target, DownloadJob(cancel_at_once, cancelled))
    assert 0 < partial.stat().st_size < len(DATA)
    assert DATA.startswith(partial.read_bytes())
