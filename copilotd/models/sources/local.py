"""A file that the user has already.

It stays where it is. A copy would take the space twice, and a hard link would only look like a
copy: who rewrites the one rewrites the other.
"""

from collections.abc import Sequence
from pathlib import Path

from copilotd.errors import ModelNotFound
from copilotd.models import shards
from copilotd.models.sources.source import Arrived, Job


class Local:
    """The GGUF file at `path`, or the first part of a split one."""

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().absolute()

    @property
    def label(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def model_name(self) -> str:
        """The file's name without its ending."""
        return shards.stem(self._path).lower()

    def fetch(self, target: Path, job: Job) -> Sequence[Arrived]:
        """See `Source.fetch`. Raises: ModelNotFound."""
        files = shards.parts(self._path)
        if missing := [file for file in files if not file.is_file()]:
            raise ModelNotFound(f"There is no file {missing[0]}", "Check the path.")
        return [Arrived(file) for file in files]
