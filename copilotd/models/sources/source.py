"""What every source has in common, and what it is told about one download."""

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from copilotd.errors import DiskFull, DownloadCancelled
from copilotd.models.progress import Progress, ProgressCallback, format_size

RESERVE = 64 * 1024 * 1024
"""Bytes to leave free on the disk, so that filling it with a model breaks nothing else."""


class SourceFailed(Exception):
    """This source cannot give the files; the text is one line for a person. Others may be tried."""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A complete file. `sha256` is what the source says it should be, empty if it does not say."""

    path: Path
    sha256: str = ""


class Source(Protocol):
    """One place that has the files of one model."""

    @property
    def label(self) -> str:
        """What a person calls the place."""
        ...

    @property
    def model_name(self) -> str:
        """What the model is called unless the user calls it something else."""
        ...

    def fetch(self, target: Path, job: "DownloadJob") -> Sequence[FetchedFile]:
        """Fetch the file (or all parts of a split model, in order) and say where each lies.

        What is downloaded lies beside `target` under a name that ends in `.partial`; a file that
        the user has already stays where it is. An earlier attempt's bytes are used.

        Raises: SourceFailed, DiskFull, DownloadCancelled.
        """
        ...


def measure_free_space(folder: Path) -> int:
    """Bytes that can still be written below `folder`, which need not exist yet."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(existing).free


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """One download: how to report, when to stop, and what is known of the files beforehand.

    `size` in bytes and `sha256` by part come from the catalogue; 0 and empty where it has none.
    """

    report: ProgressCallback
    cancelled: threading.Event
    size: int = 0
    sha256: tuple[str, ...] = ()
    measure_free_space: Callable[[Path], int] = measure_free_space

    def report_progress(self, text: str, done: int = 0, total: int | None = None) -> None:
        """Report progress, unless the work is to stop.

        Raises:
            DownloadCancelled: it is.
        """
        self.raise_if_cancelled()
        self.report(Progress(text, done, total))

    def raise_if_cancelled(self) -> None:
        """Stop here if the work is to stop.

        Raises:
            DownloadCancelled: it is.
        """
        if self.cancelled.is_set():
            raise DownloadCancelled(
                "The download was stopped", "Start it again: it goes on where it ended."
            )

    def require_space(self, folder: Path, size: int) -> None:
        """Make sure that `size` more bytes fit below `folder`.

        Raises:
            DiskFull: says how many bytes are missing.
        """
        missing = size + RESERVE - self.measure_free_space(folder)
        if missing > 0:
            raise DiskFull(
                f"{folder} has no room for another {format_size(size)}: "
                f"{format_size(missing)} are missing",
                "Remove a model (`copilotd models list`, `copilotd models remove NAME`), or free "
                "some space, and pull again.",
            )
