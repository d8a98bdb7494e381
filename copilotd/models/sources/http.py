"""Moves the bytes of one file over HTTP into a partial file, and goes on where it ended.

A connection that breaks is taken up again with a Range request as long as each attempt brings
something. Whether the server still has the same file is known by the checksum that the source
names, or else by the ETag (If-Range).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2

from copilotd.models.progress import Progress
from copilotd.models.sources.partial import PartialFile
from copilotd.models.sources.source import DownloadJob, SourceFailed

TIMEOUT = httpx2.Timeout(10.0, connect=5.0)
"""Seconds; a dead network must not keep the user waiting."""
STEP = 1024 * 1024
"""Bytes between two reports."""
ATTEMPTS = 5
ERRNO = re.compile(r"^\[Errno -?\d+\] ")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server; `size` 0 and `sha256` empty where the source does not name them."""

    url: str
    size: int = 0
    sha256: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def create_client() -> httpx2.Client:
    """A client with the time limits of this module; the user's proxy settings hold."""
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=True)


def download(remote: RemoteFile, partial: PartialFile, text: str, job: DownloadJob) -> None:
    """Bring the file into `partial`, whole.

    Raises: SourceFailed, DiskFull, DownloadCancelled.
    """
    if remote.sha256:
        partial.begin(f"sha256:{remote.sha256}")
    with create_client() as http:
        for attempt in range(1, ATTEMPTS + 1):
            before = partial.length
            try:
                return _stream(http, remote, partial, text, job)
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS or partial.length <= before:
                    raise SourceFailed(explain_error(remote.url, error)) from error
            except httpx2.HTTPError as error:
                raise SourceFailed(explain_error(remote.url, error)) from error


def explain_error(url: str, error: httpx2.HTTPError) -> str:
    """Why a request failed, in words."""
    if isinstance(error, httpx2.HTTPStatusError):
        return explain_status(url, error.response.status_code)
    host = urlsplit(url).netloc
    if isinstance(error, httpx2.ConnectTimeout):
        return f"{host} does not answer"
    if isinstance(error, httpx2.ConnectError):
        return f"{host} cannot be reached: {ERRNO.sub('', str(error))}"
    if isinstance(error, httpx2.ReadTimeout):
        return f"{host} stopped sending"
    return f"the connection to {host} broke: {error or type(error).__name__}"


def explain_status(url: str, status: int) -> str:
    """Why a server did not give the file, in words."""
    host = urlsplit(url).netloc
    if status in (401, 403):
        return (
            f"{host} refuses the file (status {status}): it does not exist, or needs a login "
            "and perhaps that you accept its licence there"
        )
    if status == 404:
        return f"{host} has no such file (status 404)"
    return f"{host} answers with status {status}"


def _stream(
    http: httpx2.Client, remote: RemoteFile, partial: PartialFile, text: str, job: DownloadJob
) -> None:
    have = partial.length
    if remote.size and have >= remote.size:
        return
    with http.stream("GET", remote.url, headers=_headers(remote, partial, have)) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            # Either all is there already, which the checks that follow will show, or none of it
            # fits; in both cases this server has nothing to add.
            return
        response.raise_for_status()
        start = have if response.status_code == HTTPStatus.PARTIAL_CONTENT else 0
        if not remote.sha256 and start == 0:
            partial.restart(_validator(response))
        total = _total(response, start) or remote.size or None
        job.require_space(partial.path.parent, max(0, (total or 0) - start))
        _save(response, partial, start, Progress(text, start, total), job)


def _save(
    response: httpx2.Response, partial: PartialFile, start: int, told: Progress, job: DownloadJob
) -> None:
    with partial.open_at(start) as file:
        # Blocks of a fixed size would be collected in memory, and lost when the connection breaks.
        for block in response.iter_raw():
            job.raise_if_cancelled()
            file.write(block)
            if file.tell() - told.done >= STEP:
                told = replace(told, done=file.tell())
                job.report(told)
        job.report_progress(told.text, file.tell(), told.total)


def _headers(remote: RemoteFile, partial: PartialFile, have: int) -> dict[str, str]:
    headers = {**remote.headers, "Accept-Encoding": "identity"}
    if have and remote.sha256:
        return headers | {"Range": f"bytes={have}-"}
    if have and partial.identity.startswith("etag:"):
        etag = partial.identity.removeprefix("etag:")
        return headers | {"Range": f"bytes={have}-", "If-Range": etag}
    return headers


def _validator(response: httpx2.Response) -> str:
    """Names this version of the file; empty if the server gives no strong ETag (RFC 9110)."""
    etag = response.headers.get("ETag", "")
    return f"etag:{etag}" if etag and not etag.startswith("W/") else ""


def _total(response: httpx2.Response, start: int) -> int:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else 0
