"""The folder of model files, and the index of what is in it.

A model lies in a folder of its own name. A file is visible there only once its checksum and header
have been found good; the index is replaced as a whole, under a lock, so that several processes can
use the store at once.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import filelock
import msgspec

from copilotd.errors import CorruptModel, ModelError, ModelNotFound
from copilotd.files import write_atomically
from copilotd.models import gguf, shards
from copilotd.models.sources.partial import SUFFIX, PartialFile
from copilotd.models.sources.source import DownloadJob, FetchedFile

CHUNK = 1024 * 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
WAIT_S = 0.2


class StoredFile(msgspec.Struct, frozen=True):
    """One file: its path (relative to the store, or absolute), bytes, time of change in ns.

    `sha256` is empty for a file that stays where the user has it: it is the user's to change.
    """

    path: str
    size: int
    modified: int
    sha256: str


class StoredModel(msgspec.Struct, frozen=True):
    """A model in the store. `origin` is the reference it came from, `added` an ISO 8601 time."""

    name: str
    files: list[StoredFile]
    origin: str
    added: str

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.size for file in self.files)


class _Index(msgspec.Struct, frozen=True):
    default: str = ""
    models: dict[str, StoredModel] = {}


class ModelStore:
    """The models below `folder`, which is created when the first one comes in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index_path = folder / "index.json"

    @property
    def records(self) -> list[StoredModel]:
        """All models, by name.

        Raises:
            ModelError: the index is damaged.
        """
        return sorted(self._read().models.values(), key=lambda record: record.name)

    @property
    def default(self) -> str:
        """The model served unless the settings name another; empty only if the store is."""
        return self._read().default

    def find(self, name_or_origin: str) -> StoredModel | None:
        """The model of that name, or that came from that reference; None if there is none."""
        models = self._read().models
        by_origin = (r for r in models.values() if r.origin == name_or_origin)
        return models.get(name_or_origin) or next(by_origin, None)

    def get(self, name: str) -> StoredModel:
        """The model of that name.

        Raises:
            ModelNotFound: there is none.
        """
        record = self.find(name)
        if record is None:
            names = ", ".join(r.name for r in self.records) or "none"
            raise ModelNotFound(
                f"{name!r} is not installed (installed: {names})",
                f"Install it with `copilotd models pull {name}`.",
            )
        return record

    def list_paths(self, record: StoredModel) -> list[Path]:
        """Where the files of a model lie; llama.cpp is given the first."""
        return [self.folder / file.path for file in record.files]

    def target(self, name: str) -> Path:
        """Where the file of a model of that name belongs.

        Raises:
            ModelError: a model cannot be called so.
        """
        if not NAME.fullmatch(name):
            raise ModelError(
                f"A model cannot be called {name!r}",
                "Use letters, digits, dots, dashes and underscores: --name NAME.",
            )
        return self.folder / name / f"{name}.gguf"

    def install(
        self, name: str, arrived: Sequence[FetchedFile], origin: str, job: DownloadJob
    ) -> StoredModel:
        """Check the files that have arrived, put them in their places, and list the model.

        Raises:
            CorruptModel: a checksum or a header is wrong; what was downloaded is thrown away.
            DownloadCancelled: the work was stopped.
        """
        expected = [*job.sha256, *(file.sha256 for file in arrived[len(job.sha256) :])]
        moves = list(zip(arrived, self._places(name, arrived), expected, strict=True))
        # All of them are checked before the first one is moved.
        sums = [self._inspect(file.path, place, sha, name, job) for file, place, sha in moves]
        files = [
            self._settle(file.path, place, sha256)
            for (file, place, _), sha256 in zip(moves, sums, strict=True)
        ]
        record = StoredModel(name, files, origin, datetime.now(UTC).isoformat(timespec="seconds"))
        with self._changing() as index:
            self._write(_Index(index.default or name, {**index.models, name: record}))
        return record

    def check(self, record: StoredModel, job: DownloadJob) -> None:
        """Make sure, quickly, that the files are those that were installed, and are whole.

        The checksum is computed again only for a file whose size or time of change is another.

        Raises:
            CorruptModel: they are not.
        """
        for path, file in zip(self.list_paths(record), record.files, strict=True):
            if not path.is_file():
                raise CorruptModel(f"{path} is gone", _again(record.name))
            now = path.stat()
            if file.sha256 and (now.st_size, now.st_mtime_ns) != (file.size, file.modified):
                verify_sha256(path, file.sha256, record.name, job)
            gguf.read_file_header(path)

    def verify_checksums(self, record: StoredModel, job: DownloadJob) -> None:
        """Make sure of the same by the checksums of all bytes.

        Raises:
            CorruptModel: a file is not what was installed.
        """
        self.check(record, job)
        for path, file in zip(self.list_paths(record), record.files, strict=True):
            if file.sha256:
                verify_sha256(path, file.sha256, record.name, job)

    def set_default(self, name: str) -> None:
        """Make an installed model the default.

        Raises:
            ModelNotFound: it is not installed.
        """
        record = self.get(name)
        with self._changing() as index:
            self._write(_Index(record.name, index.models))

    def remove(self, name: str) -> StoredModel:
        """Take a model out of the list and delete its files, unless they are the user's own.

        Raises:
            ModelNotFound: it is not installed.
        """
        record = self.get(name)
        with self._changing() as index:
            left = {key: value for key, value in index.models.items() if key != record.name}
            default = index.default if index.default in left else next(iter(left), "")
            self._write(_Index(default, left))
        shutil.rmtree(self.folder / record.name, ignore_errors=True)
        return record

    @contextmanager
    def lock_for_pull(self, name: str, job: DownloadJob) -> Iterator[None]:
        """Be the only process that fetches the model `name`; waits for another one to end.

        Raises:
            DownloadCancelled: the work was stopped while waiting.
        """
        folder = self.target(name).parent
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / f".{name}.lock")
        while True:
            try:
                lock.acquire(timeout=WAIT_S)
                break
            except filelock.Timeout:
                job.report_progress(f"Another copilotd is fetching {name}: waiting for it")
        try:
            yield
        finally:
            lock.release()
            with suppress(OSError):  # It is not empty, as a rule.
                folder.rmdir()

    def _places(self, name: str, arrived: Sequence[FetchedFile]) -> list[Path]:
        """Where each file belongs: a download in the store, a file of the user's where it is."""
        ours = shards.number_parts(self.target(name), len(arrived))
        return [
            place if file.path.suffix == SUFFIX else file.path
            for file, place in zip(arrived, ours, strict=True)
        ]

    def _inspect(self, file: Path, place: Path, expected: str, name: str, job: DownloadJob) -> str:
        """The checksum of a file that is as it should be; empty for one that stays the user's."""
        try:
            sha256 = verify_sha256(file, expected, name, job) if expected or file != place else ""
            gguf.read_file_header(file)
            return sha256
        except CorruptModel:
            if file != place:
                PartialFile(place).discard()
            raise

    def _settle(self, now: Path, place: Path, sha256: str) -> StoredFile:
        if now != place:
            os.replace(now, place)
            PartialFile(place).remove_note()
        state = place.stat()
        inside = place.is_relative_to(self.folder)
        path = place.relative_to(self.folder).as_posix() if inside else str(place)
        return StoredFile(path, state.st_size, state.st_mtime_ns, sha256)

    def _read(self) -> _Index:
        try:
            return msgspec.json.decode(self._index_path.read_bytes(), type=_Index)
        except FileNotFoundError:
            return _Index()
        except (OSError, msgspec.MsgspecError) as error:
            raise ModelError(
                f"The list of models, {self._index_path}, cannot be read: {error}",
                "Move it away, then pull or add the models again.",
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[_Index]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / ".index.lock"):
            yield self._read()

    def _write(self, index: _Index) -> None:
        data = msgspec.json.format(msgspec.json.encode(index), indent=2)
        write_atomically(self._index_path, data)


def verify_sha256(path: Path, expected: str, name: str, job: DownloadJob) -> str:
    """Compute the SHA-256 of a file and compare it with the one expected, if one is.

    Raises:
        CorruptModel: it is another; says both, and what to do.
        DownloadCancelled: the work was stopped.
    """
    digest, total = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            job.report_progress(f"Checking {name}", file.tell(), total)
    if expected and digest.hexdigest() != expected:
        raise CorruptModel(
            f"{path} is not the file it should be: "
            f"expected sha256 {expected}, found {digest.hexdigest()}",
            _again(name),
        )
    return digest.hexdigest()


def _again(name: str) -> str:
    return f"Download it again: copilotd models pull {name}"
