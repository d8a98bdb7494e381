"""ModelScope through its HTTP API, for users who cannot reach Hugging Face."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import httpx2
import msgspec

from copilotd.models import shards
from copilotd.models.sources.http import RemoteFile, create_client, explain_error
from copilotd.models.sources.repository import fetch_all
from copilotd.models.sources.source import DownloadJob, FetchedFile, SourceFailed

ENDPOINT = "https://modelscope.cn"


class _File(msgspec.Struct, rename="pascal"):
    path: str = ""
    size: int = 0
    sha256: str = ""


class _Files(msgspec.Struct, rename="pascal"):
    files: list[_File] = []


class _Listing(msgspec.Struct, rename="pascal"):
    data: _Files | None = None


class ModelScope:
    """`path` in the repository `owner/name`, at a branch, tag or commit."""

    def __init__(
        self, repository: str, path: str, revision: str = "", endpoint: str = ENDPOINT
    ) -> None:
        self._repository, self._path, self._endpoint = repository, path, endpoint
        self._revision = revision or "master"

    @property
    def label(self) -> str:
        """The name of the hub."""
        return "ModelScope"

    @property
    def model_name(self) -> str:
        """The file name without its extension."""
        return shards.strip_part_number(PurePosixPath(self._path)).lower()

    def fetch(self, target: Path, job: DownloadJob) -> Sequence[FetchedFile]:
        """See `Source.fetch`."""
        job.report_progress(f"Asking {self.label} for {PurePosixPath(self._path).name}")
        paths = [str(part) for part in shards.list_parts(PurePosixPath(self._path))]
        remotes = [self._to_remote_file(file) for file in self._list_files(paths)]
        return fetch_all(remotes, target, self.label, job)

    def _to_remote_file(self, file: _File) -> RemoteFile:
        url = f"{self._endpoint}/models/{self._repository}/resolve/{self._revision}/"
        return RemoteFile(url + quote(file.path), file.size, file.sha256)

    def _list_files(self, paths: Sequence[str]) -> list[_File]:
        url = f"{self._endpoint}/api/v1/models/{self._repository}/repo/files"
        query = {"Revision": self._revision, "Recursive": "true"}
        try:
            with create_client() as http:
                answer = http.get(url, params=query).raise_for_status()
            listing = msgspec.json.decode(answer.content, type=_Listing)
        except httpx2.HTTPError as error:
            raise SourceFailed(explain_error(url, error)) from error
        except msgspec.MsgspecError as error:
            raise SourceFailed(f"{url} sent an invalid answer: {error}") from error
        by_path = {file.path: file for file in listing.data.files} if listing.data else {}
        if missing := [path for path in paths if path not in by_path]:
            raise SourceFailed(f"{self._repository} has no file {missing[0]}")
        return [by_path[path] for path in paths]
