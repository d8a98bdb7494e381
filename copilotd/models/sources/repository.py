"""Downloads from a repository, where a model is one file or several parts."""

from collections.abc import Sequence
from pathlib import Path

from copilotd.models import shards
from copilotd.models.sources.http import RemoteFile, download
from copilotd.models.sources.partial import PartialFile
from copilotd.models.sources.source import DownloadJob, FetchedFile, SourceFailed


def fetch_all(
    remotes: Sequence[RemoteFile], target: Path, label: str, job: DownloadJob
) -> Sequence[FetchedFile]:
    """Download all parts, in order, next to `target`.

    Raises: SourceFailed, DiskFull, DownloadCancelled.
    """
    _refuse_other_files(remotes, job.sha256)
    partials = [PartialFile(part) for part in shards.number_parts(target, len(remotes))]
    pairs = list(zip(remotes, partials, strict=True))
    job.require_space(
        target.parent, sum(max(0, remote.size - part.length) for remote, part in pairs)
    )
    for number, (remote, partial) in enumerate(pairs, start=1):
        which = f", part {number} of {len(pairs)}" if len(pairs) > 1 else ""
        download(remote, partial, f"Downloading from {label}{which}", job)
    return [FetchedFile(partial.path, remote.sha256) for remote, partial in pairs]


def _refuse_other_files(remotes: Sequence[RemoteFile], known: Sequence[str]) -> None:
    # A wrong file is refused before any of its bytes are downloaded.
    for remote, sha256 in zip(remotes, known, strict=False):
        if remote.sha256 and remote.sha256 != sha256:
            raise SourceFailed(
                f"the file there is another one: expected sha256 {sha256}, found {remote.sha256}"
            )
