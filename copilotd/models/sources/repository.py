"""What the sources that are repositories share: a model is one file there, or several parts."""

from collections.abc import Sequence
from pathlib import Path

from copilotd.models import shards
from copilotd.models.sources.http import RemoteFile, download
from copilotd.models.sources.partial import PartialFile
from copilotd.models.sources.source import DownloadJob, FetchedFile, SourceFailed


def fetch_all(
    remotes: Sequence[RemoteFile], target: Path, label: str, job: DownloadJob
) -> Sequence[FetchedFile]:
    """Bring all parts beside `target`, in order.

    Raises: SourceFailed, DiskFull, DownloadCancelled.
    """
    _compare(remotes, job.sha256)
    partials = [PartialFile(part) for part in shards.number_parts(target, len(remotes))]
    pairs = list(zip(remotes, partials, strict=True))
    job.require_space(
        target.parent, sum(max(0, remote.size - part.length) for remote, part in pairs)
    )
    for number, (remote, partial) in enumerate(pairs, start=1):
        which = f", part {number} of {len(pairs)}" if len(pairs) > 1 else ""
        download(remote, partial, f"Downloading from {label}{which}", job)
    return [FetchedFile(partial.path, remote.sha256) for remote, partial in pairs]


def _compare(remotes: Sequence[RemoteFile], known: Sequence[str]) -> None:
    # A file that is not the wanted one is refused before any of its bytes are moved.
    for remote, sha256 in zip(remotes, known, strict=False):
        if remote.sha256 and remote.sha256 != sha256:
            raise SourceFailed(
                f"the file there is another one: its sha256 is {remote.sha256}, "
                f"the wanted one's is {sha256}"
            )
