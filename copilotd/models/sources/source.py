"""The interface of every source, and the parameters of one download."""

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from copilotd.errors import DiskFull, DownloadCancelled
from copilotd.models.progress import Progress, ProgressCallback, format_bytes

RESERVE = 64 * 1024 * 1024
"""Bytes that stay free on the disk, so that a large model does not break other programs."""


class SourceFailed(Exception):
    """This source cannot give the files. The text is one line; other sources may be tried."""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A complete file. `sha256` is the checksum that the source gives; empty if it gives none."""

    path: Path
    sha256: str = ""


class Source(Protocol):
    """One place that has the files of one model."""

    @property
    def label(self) -> str:
        """The name of the place, for a person."""
        ...

    @property
    def model_name(self) -> str:
        """The name of the model unless the user chooses another."""
        ...

    def fetch(self, target: Path, job: "DownloadJob") -> Sequence[FetchedFile]:
        """Fetch the file, or all parts of a split model in order, and return their paths.

        A downloaded file is next to `target` and its name ends in `.partial`; a local file stays
        where it is. The bytes of an earlier attempt are reused.

        Raises: SourceFailed, DiskFull, DownloadCancelled.
        """
        ...


def measure_free_space(folder: Path) -> int:
    """Return the free bytes on the disk of `folder`, which need not exist yet."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(existing).free


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """One download: where to report, when to stop, and what the catalogue says about the files.

    `size` is in bytes and `sha256` by part; 0 and empty if the catalogue does not have them.
    """

    report: ProgressCallback
    cancelled: threading.Event
    size: int = 0
    sha256: tuple[str, ...] = ()
    measure_free_space: Callable[[Path], int] = measure_free_space

    def report_progress(self, text: str, done: int = 0, total: int | None = None) -> None:
        """Report progress.

        Raises:
            DownloadCancelled: the user stopped it.
        """
        self.raise_if_cancelled()
        self.report(Progress(text, done, total))

    def raise_if_cancelled(self) -> None:
        """Stop here if the download was cancelled.

        Raises:
            DownloadCancelled: the user stopped it.
        """
        if self.cancelled.is_set():
            raise DownloadCancelled(
                "The download was stopped", "Start it again: it continues where it stopped."
            )

    def require_space(self, folder: Path, size: int) -> None:
        """Check that `size` more bytes fit on the disk of `folder`.

        Raises:
            DiskFull: they do not; the message says how many bytes are missing.
        """
        missing = size + RESERVE - self.measure_free_space(folder)
        if missing > 0:
            raise DiskFull(
                f"The disk of {folder} has no room for {format_bytes(size)}: "
                f"{format_bytes(missing)} more are needed",
                "Remove a model (`copilotd models list`, `copilotd models remove NAME`), or free "
                "some space, and pull again.",
            )
