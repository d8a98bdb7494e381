"""The Hugging Face Hub.

huggingface_hub resolves the file (endpoint, revision, the user's own login) and gives its size and
checksum. `http.download` moves the bytes, because hf_hub_download cannot be cancelled, prints its
own progress, and keeps a second copy in its cache.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import httpx2

from copilotd.models import shards
from copilotd.models.sources.http import TIMEOUT, RemoteFile, explain_error, explain_status
from copilotd.models.sources.repository import fetch_all
from copilotd.models.sources.source import DownloadJob, FetchedFile, SourceFailed

SHA256_DIGITS = 64


class HuggingFace:
    """`path` in the repository `owner/name`, at a branch, tag or commit.

    `endpoint` empty means huggingface_hub's own setting (HF_ENDPOINT, or the public hub).
    """

    def __init__(self, repository: str, path: str, revision: str = "", endpoint: str = "") -> None:
        self._repository, self._path = repository, path
        self._revision, self._endpoint = revision or None, endpoint or None

    @property
    def label(self) -> str:
        """The name of the hub."""
        return "Hugging Face"

    @property
    def model_name(self) -> str:
        """The file name without its extension."""
        return shards.strip_part_number(PurePosixPath(self._path)).lower()

    def fetch(self, target: Path, job: DownloadJob) -> Sequence[FetchedFile]:
        """See `Source.fetch`."""
        job.report_progress(f"Asking {self.label} for {PurePosixPath(self._path).name}")
        parts = shards.list_parts(PurePosixPath(self._path))
        remotes = [self._resolve(str(part)) for part in parts]
        return fetch_all(remotes, target, self.label, job)

    def _resolve(self, path: str) -> RemoteFile:
        # Imported here because the import takes 0.2 s and most commands download nothing.
        from huggingface_hub import constants, get_hf_file_metadata, get_token, hf_hub_url
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

        # Otherwise it first fetches a list to report which program uses it.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        token = get_token()
        url = hf_hub_url(self._repository, path, revision=self._revision, endpoint=self._endpoint)
        try:
            metadata = get_hf_file_metadata(
                url,
                token or False,
                timeout=TIMEOUT.connect,
                endpoint=self._endpoint,
                retry_on_errors=False,
            )
        except HfHubHTTPError as error:
            raise SourceFailed(explain_status(url, error.response.status_code)) from error
        except (HFValidationError, OfflineModeIsEnabled) as error:
            raise SourceFailed(str(error).splitlines()[0]) from error
        except httpx2.HTTPError as error:
            raise SourceFailed(explain_error(url, error)) from error
        etag = metadata.etag or ""
        sha256 = etag if len(etag) == SHA256_DIGITS else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return RemoteFile(url, metadata.size or 0, sha256, headers)
