"""A file on any web server."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from copilotd.models.sources.http import RemoteFile, download
from copilotd.models.sources.partial import PartialFile
from copilotd.models.sources.source import DownloadJob, FetchedFile


class Url:
    """`https://host/file.gguf`; http is for servers in a local network."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def label(self) -> str:
        """The host name."""
        return urlsplit(self._url).netloc

    @property
    def model_name(self) -> str:
        """The file name without its extension."""
        return PurePosixPath(unquote(urlsplit(self._url).path)).stem.lower()

    def fetch(self, target: Path, job: DownloadJob) -> Sequence[FetchedFile]:
        """See `Source.fetch`."""
        partial = PartialFile(target)
        sha256 = job.sha256[0] if job.sha256 else ""
        remote = RemoteFile(self._url, job.size, sha256)
        download(remote, partial, f"Downloading from {self.label}", job)
        return [FetchedFile(partial.path, sha256)]
