"""Plain downloads against a real server on loopback; what holds here holds for every hub."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from copilotd.errors import DiskFull, DownloadCancelled
from copilotd.models.progress import Progress
from copilotd.models.sources.source import RESERVE, DownloadJob, FetchedFile, SourceFailed
from copilotd.models.sources.url import Url
from tests.models.conftest import Reported
from tests.models.file_server import Site
from tests.models.tiny_gguf import big_gguf, sha256

DATA = big_gguf()
OTHER = big_gguf(fill=b"\x09")
CUT = 1_000_000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny" / "tiny.gguf"


@pytest.fixture
def partial(target: Path) -> Path:
    return target.with_name("tiny.gguf.partial")


def test_a_file_arrives_whole_and_reports_its_progress(
    site: Site, target: Path, partial: Path, job: DownloadJob, reported: Reported
) -> None:
    source = Url(site.put("/m.gguf", DATA))
    assert source.fetch(target, job) == [FetchedFile(partial)]
    assert partial.read_bytes() == DATA
    assert not target.exists()
    text = f"Downloading from {source.label}"
    assert {(step.text, step.total) for step in reported.steps} == {(text, len(DATA))}
    done = [step.done for step in reported.steps]
    assert done == sorted(done)
    assert (len(done), done[-1]) == (3, len(DATA))


def test_a_cut_connection_is_taken_up_where_it_broke(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    site.cuts = [CUT, CUT]
    Url(site.put("/m.gguf", DATA)).fetch(target, job)
    assert partial.read_bytes() == DATA
    ranges = [range_ for _, range_ in site.gets]
    assert ranges == ["", f"bytes={CUT}-", f"bytes={2 * CUT}-"]


def test_a_server_that_brings_nothing_more_is_given_up(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed, match=r"the connection to 127\.0\.0\.1:\d+ broke: "):
        Url(site.put("/m.gguf", DATA)).fetch(target, job)
    assert partial.read_bytes() == DATA[:CUT]


def test_a_later_attempt_goes_on_with_the_bytes_of_the_first(
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


def test_a_file_that_has_changed_meanwhile_is_fetched_from_its_start(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    url = site.put("/m.gguf", DATA)
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(url).fetch(target, job)
    site.put("/m.gguf", OTHER)
    Url(url).fetch(target, job)
    assert partial.read_bytes() == OTHER


def test_a_server_without_ranges_sends_all_again(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    site.has_ranges, site.cuts = False, [CUT]
    Url(site.put("/m.gguf", DATA)).fetch(target, job)
    assert partial.read_bytes() == DATA


def test_without_an_etag_nothing_is_taken_for_the_same_file(
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


def test_bytes_of_the_same_checksum_may_come_from_two_servers(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    known = replace(job, size=len(DATA), sha256=(sha256(DATA),))
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(site.put("/here.gguf", DATA)).fetch(target, known)
    Url(site.put("/there.gguf", DATA)).fetch(target, known)
    assert partial.read_bytes() == DATA
    assert site.gets[-1] == ("/there.gguf", f"bytes={CUT}-")


def test_a_file_that_is_all_there_is_not_asked_for(
    site: Site, target: Path, job: DownloadJob
) -> None:
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
def test_what_a_server_refuses_is_said_in_words(
    site: Site, target: Path, job: DownloadJob, status: int, words: str
) -> None:
    url = site.put("/m.gguf", DATA)
    site.statuses["/m.gguf"] = status
    with pytest.raises(SourceFailed) as caught:
        Url(url).fetch(target, job)
    assert str(caught.value) == f"{site.url.removeprefix('http://')} {words}"


def test_a_server_that_is_not_there_fails_at_once(
    closed_url: str, target: Path, job: DownloadJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(SourceFailed) as caught:
        Url(f"{closed_url}/m.gguf").fetch(target, job)
    assert pauses == []
    host = closed_url.removeprefix("http://")
    assert str(caught.value) == f"cannot connect to {host}: Connection refused"


def test_a_full_disk_is_told_before_the_bytes_come_and_how_much_is_missing(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    small = replace(job, measure_free_space=lambda folder: RESERVE + len(DATA) - 500_000)
    with pytest.raises(DiskFull) as caught:
        Url(site.put("/m.gguf", DATA)).fetch(target, small)
    assert caught.value.message == (
        f"The disk of {target.parent} has no room for 3 MB: 500 kB more are needed"
    )
    assert not partial.exists()


def test_the_room_for_the_rest_of_a_download_is_enough(
    site: Site, target: Path, partial: Path, job: DownloadJob
) -> None:
    url = site.put("/m.gguf", DATA)
    site.cuts = [CUT, 0]
    with pytest.raises(SourceFailed):
        Url(url).fetch(target, job)
    small = replace(job, measure_free_space=lambda folder: RESERVE + len(DATA) - CUT)
    Url(url).fetch(target, small)
    assert partial.read_bytes() == DATA


def test_a_download_that_is_cancelled_stops_and_keeps_what_it_has(
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
