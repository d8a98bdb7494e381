"""The folder of model files, and the index of the models in it.

Each model has a folder of its own name. A file appears there only after its checksum and header
have been checked. The index is replaced atomically under a lock, so several processes can use the
store at the same time.
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
LOCK_POLL_S = 0.2


class StoredFile(msgspec.Struct, frozen=True):
    """One file: path (relative to the store, or absolute), size in bytes, modification time in ns.

    `sha256` is empty for a file that stays outside the store: the user may change it.
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
        """Size on the disk in bytes."""
        return sum(file.size for file in self.files)


class _Index(msgspec.Struct, frozen=True):
    default: str = ""
    models: dict[str, StoredModel] = {}


class ModelStore:
    """The models in `folder`, which is created with the first model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index_path = folder / "index.json"

    @property
    def records(self) -> list[StoredModel]:
        """All models, sorted by name.

        Raises:
            ModelError: the index is damaged.
        """
        return sorted(self._read_index().models.values(), key=lambda record: record.name)

    @property
    def default(self) -> str:
        """The model to serve unless the settings name another; empty only if the store is empty."""
        return self._read_index().default

    def find(self, name_or_origin: str) -> StoredModel | None:
        """Return the model with this name or from this reference; None if there is none."""
        models = self._read_index().models
        by_origin = (r for r in models.values() if r.origin == name_or_origin)
        return models.get(name_or_origin) or next(by_origin, None)

    def get(self, name: str) -> StoredModel:
        """Return the model called `name`.

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
        """Return the paths of a model's files; llama.cpp loads the first."""
        return [self.folder / file.path for file in record.files]

    def target(self, name: str) -> Path:
        """Return the path for the file of a model called `name`.

        Raises:
            ModelError: the name is not allowed.
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
        """Check the fetched files, move them into their places, and list the model.

        Raises:
            CorruptModel: a checksum or a header is wrong; the downloaded file is deleted.
            DownloadCancelled: the user stopped it.
        """
        expected = [*job.sha256, *(file.sha256 for file in arrived[len(job.sha256) :])]
        steps = list(zip(arrived, self._choose_places(name, arrived), expected, strict=True))
        # All files are checked before the first one is moved.
        sums = [self._check_fetched(file.path, place, sha, name, job) for file, place, sha in steps]
        files = [
            self._move_into_place(file.path, place, sha256)
            for (file, place, _), sha256 in zip(steps, sums, strict=True)
        ]
        record = StoredModel(name, files, origin, datetime.now(UTC).isoformat(timespec="seconds"))
        with self._lock_index() as index:
            self._write_index(_Index(index.default or name, {**index.models, name: record}))
        return record

    def check(self, record: StoredModel, job: DownloadJob) -> None:
        """Check quickly that the files are complete and are those that were installed.

        The checksum is computed only for a file whose size or modification time has changed.

        Raises:
            CorruptModel: a file is missing, damaged or another one.
        """
        for path, file in zip(self.list_paths(record), record.files, strict=True):
            if not path.is_file():
                raise CorruptModel(f"{path} is missing", _download_again(record.name))
            now = path.stat()
            if file.sha256 and (now.st_size, now.st_mtime_ns) != (file.size, file.modified):
                verify_sha256(path, file.sha256, record.name, job)
            gguf.read_file_header(path)

    def verify_checksums(self, record: StoredModel, job: DownloadJob) -> None:
        """Check that the files are those that were installed, by their checksums.

        Raises:
            CorruptModel: a file is not the one that was installed.
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
        with self._lock_index() as index:
            self._write_index(_Index(record.name, index.models))

    def remove(self, name: str) -> StoredModel:
        """Remove a model from the list and delete its files, unless they are outside the store.

        Raises:
            ModelNotFound: it is not installed.
        """
        record = self.get(name)
        with self._lock_index() as index:
            remaining = {key: value for key, value in index.models.items() if key != record.name}
            default = index.default if index.default in remaining else next(iter(remaining), "")
            self._write_index(_Index(default, remaining))
        shutil.rmtree(self.folder / record.name, ignore_errors=True)
        return record

    @contextmanager
    def lock_for_pull(self, name: str, job: DownloadJob) -> Iterator[None]:
        """Be the only process that downloads the model `name`; wait while another one does.

        Raises:
            DownloadCancelled: the user stopped it while it waited.
        """
        folder = self.target(name).parent
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / f".{name}.lock")
        while True:
            try:
                lock.acquire(timeout=LOCK_POLL_S)
                break
            except filelock.Timeout:
                job.report_progress(f"Another copilotd is downloading {name}: waiting for it")
        try:
            yield
        finally:
            lock.release()
            with suppress(OSError):  # Usually the folder is not empty.
                folder.rmdir()

    def _choose_places(self, name: str, arrived: Sequence[FetchedFile]) -> list[Path]:
        """Return each file's place: in the store for a download, unchanged for a user's file."""
        ours = shards.number_parts(self.target(name), len(arrived))
        return [
            place if file.path.suffix == SUFFIX else file.path
            for file, place in zip(arrived, ours, strict=True)
        ]

    def _check_fetched(
        self, file: Path, place: Path, expected: str, name: str, job: DownloadJob
    ) -> str:
        """Check a file and return its SHA-256; empty for a file that stays outside the store."""
        try:
            sha256 = verify_sha256(file, expected, name, job) if expected or file != place else ""
            gguf.read_file_header(file)
            return sha256
        except CorruptModel:
            if file != place:
                PartialFile(place).discard()
            raise

    def _move_into_place(self, now: Path, place: Path, sha256: str) -> StoredFile:
        if now != place:
            os.replace(now, place)
            PartialFile(place).remove_note()
        state = place.stat()
        inside = place.is_relative_to(self.folder)
        path = place.relative_to(self.folder).as_posix() if inside else str(place)
        return StoredFile(path, state.st_size, state.st_mtime_ns, sha256)

    def _read_index(self) -> _Index:
        try:
            return msgspec.json.decode(self._index_path.read_bytes(), type=_Index)
        except (FileNotFoundError, NotADirectoryError):
            return _Index()
        except (OSError, msgspec.MsgspecError) as error:
            raise ModelError(
                f"Cannot read the list of models {self._index_path}: {error}",
                "Move the file away, then pull or add the models again.",
            ) from error

    @contextmanager
    def _lock_index(self) -> Iterator[_Index]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / ".index.lock"):
            yield self._read_index()

    def _write_index(self, index: _Index) -> None:
        data = msgspec.json.format(msgspec.json.encode(index), indent=2)
        write_atomically(self._index_path, data)


def verify_sha256(path: Path, expected: str, name: str, job: DownloadJob) -> str:
    """Return the SHA-256 of a file, after comparing it with `expected` unless that is empty.

    Raises:
        CorruptModel: they differ; the message has both.
        DownloadCancelled: the user stopped it.
    """
    digest, total = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            job.report_progress(f"Checking {name}", file.tell(), total)
    if expected and digest.hexdigest() != expected:
        raise CorruptModel(
            f"{path} has the wrong checksum: "
            f"expected sha256 {expected}, found {digest.hexdigest()}",
            _download_again(name),
        )
    return digest.hexdigest()


def _download_again(name: str) -> str:
    return f"Download it again: copilotd models pull {name}"
