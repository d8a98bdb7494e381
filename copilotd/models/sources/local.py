"""A file that is already on this machine.

It stays where it is: a copy would take the space twice, and a hard link only looks like a copy,
because a program that rewrites one rewrites the other.
"""

from collections.abc import Sequence
from pathlib import Path

from copilotd.errors import ModelNotFound
from copilotd.models import shards
from copilotd.models.sources.source import DownloadJob, FetchedFile


class LocalFile:
    """The GGUF file at `path`, or the first part of a split one."""

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().absolute()

    @property
    def label(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def model_name(self) -> str:
        """The file name without its extension."""
        return shards.strip_part_number(self._path).lower()

    def fetch(self, target: Path, job: DownloadJob) -> Sequence[FetchedFile]:
        """See `Source.fetch`. Raises: ModelNotFound."""
        files = shards.list_parts(self._path)
        if missing := [file for file in files if not file.is_file()]:
            raise ModelNotFound(f"There is no file {missing[0]}", "Check the path.")
        return [FetchedFile(file) for file in files]
