"""Downloads one file over HTTP into a partial file, and resumes after an interruption.

After a broken connection it sends a Range request, as long as each attempt brings some bytes. The
checksum that the source names, or else the ETag (If-Range), tells whether the server still has the
same file. Written by hand on purpose: the libraries of the hubs cannot resume across sources, be
cancelled between two blocks, and report progress.
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
"""In seconds. Short, so that a dead network does not keep the user waiting."""
REPORT_EVERY_BYTES = 1024 * 1024
"""Bytes between two progress reports."""
MAX_ATTEMPTS = 5
ERRNO = re.compile(r"^\[Errno -?\d+\] ")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server. `size` (bytes) is 0 and `sha256` empty if they are unknown."""

    url: str
    size: int = 0
    sha256: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def create_client() -> httpx2.Client:
    """Create a client with the timeouts of this module; it uses the proxy of the environment."""
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=True)


def download(remote: RemoteFile, partial: PartialFile, text: str, job: DownloadJob) -> None:
    """Download the whole file into `partial`.

    Raises: SourceFailed, DiskFull, DownloadCancelled.
    """
    if remote.sha256:
        partial.begin(f"sha256:{remote.sha256}")
    with create_client() as http:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            before = partial.length
            try:
                return _stream(http, remote, partial, text, job)
            except httpx2.TransportError as error:
                if attempt == MAX_ATTEMPTS or partial.length <= before:
                    raise SourceFailed(explain_error(remote.url, error)) from error
            except httpx2.HTTPError as error:
                raise SourceFailed(explain_error(remote.url, error)) from error


def explain_error(url: str, error: httpx2.HTTPError) -> str:
    """Explain why a request failed."""
    if isinstance(error, httpx2.HTTPStatusError):
        return explain_status(url, error.response.status_code)
    host = urlsplit(url).netloc
    if isinstance(error, httpx2.ConnectTimeout):
        return f"{host} does not answer"
    if isinstance(error, httpx2.ConnectError):
        return f"cannot connect to {host}: {ERRNO.sub('', str(error))}"
    if isinstance(error, httpx2.ReadTimeout):
        return f"{host} stopped sending data"
    return f"the connection to {host} broke: {error or type(error).__name__}"


def explain_status(url: str, status: int) -> str:
    """Explain why a server did not send the file."""
    host = urlsplit(url).netloc
    if status in (401, 403):
        return (
            f"{host} refuses the file (status {status}): it does not exist, or you must log in "
            "and perhaps accept its licence there"
        )
    if status == 404:
        return f"{host} has no such file (status 404)"
    return f"{host} answers with status {status}"


def _stream(
    http: httpx2.Client, remote: RemoteFile, partial: PartialFile, text: str, job: DownloadJob
) -> None:
    received = partial.length
    if remote.size and received >= remote.size:
        return
    with http.stream(
        "GET", remote.url, headers=_build_headers(remote, partial, received)
    ) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and received:
            # Either the file is complete, which the checks that follow show, or the bytes are of
            # another file; in both cases this server has nothing to add.
            return
        response.raise_for_status()
        start = received if response.status_code == HTTPStatus.PARTIAL_CONTENT else 0
        if not remote.sha256 and start == 0:
            partial.restart(_read_strong_etag(response))
        total = _read_total(response, start) or remote.size or None
        job.require_space(partial.path.parent, max(0, (total or 0) - start))
        _write_body(response, partial, start, Progress(text, start, total), job)


def _write_body(
    response: httpx2.Response,
    partial: PartialFile,
    start: int,
    progress: Progress,
    job: DownloadJob,
) -> None:
    with partial.open_at(start) as file:
        # `iter_raw` without a size: blocks of a fixed size are lost when the connection breaks.
        for block in response.iter_raw():
            job.raise_if_cancelled()
            file.write(block)
            if file.tell() - progress.done >= REPORT_EVERY_BYTES:
                progress = replace(progress, done=file.tell())
                job.report(progress)
        job.report_progress(progress.text, file.tell(), progress.total)


def _build_headers(remote: RemoteFile, partial: PartialFile, received: int) -> dict[str, str]:
    headers = {**remote.headers, "Accept-Encoding": "identity"}
    if received and remote.sha256:
        return headers | {"Range": f"bytes={received}-"}
    if received and partial.identity.startswith("etag:"):
        etag = partial.identity.removeprefix("etag:")
        return headers | {"Range": f"bytes={received}-", "If-Range": etag}
    return headers


def _read_strong_etag(response: httpx2.Response) -> str:
    """Return the identity of this version of the file; empty without a strong ETag (RFC 9110)."""
    etag = response.headers.get("ETag", "")
    return f"etag:{etag}" if etag and not etag.startswith("W/") else ""


def _read_total(response: httpx2.Response, start: int) -> int:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else 0
