"""Says which model file is to be served, and makes sure that it is there."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from copilotd.config import ModelSection
from copilotd.errors import ModelNotFound
from copilotd.models import gguf
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import FimLayout
from copilotd.models.hardware import detect_hardware
from copilotd.models.progress import Progress, ProgressCallback
from copilotd.models.pull import pull
from copilotd.models.recommend import recommend
from copilotd.models.sources.reference import canonicalize, is_reference
from copilotd.models.sources.source import DownloadJob
from copilotd.models.store import ModelStore, StoredModel

__all__ = ["InstalledModel", "Progress", "Provisioner"]

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model file that was found good.

    `fim_fallback` gives FIM token texts by field of `FimTokens`, for a file that has no ids;
    `layout` is the family's.
    """

    name: str
    path: Path
    family: str
    fim_fallback: dict[str, str]
    layout: FimLayout = field(default_factory=FimLayout)


class Provisioner:
    """The model that the settings ask for."""

    def __init__(self, store: ModelStore, catalogue: Catalogue, settings: ModelSection) -> None:
        self._store, self._catalogue, self._settings = store, catalogue, settings

    @property
    def model_name(self) -> str:
        """The name or reference that is to be served."""
        if self._settings.name != AUTO:
            return self._settings.name
        return self._store.default or recommend(self._catalogue, detect_hardware()).entry.name

    def find_installed(self) -> InstalledModel | None:
        """The model that would be served, if it is there already; never touches the network.

        Raises:
            CorruptModel: it is there, but damaged.
        """
        wanted = self.model_name
        record = self._store.find(canonicalize(wanted))
        if record is None:
            return self._on_disk(Path(wanted).expanduser()) if is_reference(wanted) else None
        self._store.check(record, DownloadJob(_quiet, threading.Event()))
        return self._installed(record)

    def ensure_installed(
        self, report: ProgressCallback, cancelled: threading.Event
    ) -> InstalledModel:
        """The model to serve; downloads it if it is missing and the settings allow that.

        Raises: ModelNotFound, DownloadFailed, CorruptModel, DiskFull, DownloadCancelled.
        """
        found = self.find_installed()
        if found is not None:
            return found
        if not self._settings.auto_download:
            raise ModelNotFound(
                f"The model {self.model_name} is not installed, and model.auto_download is off",
                f"Download it with `copilotd models pull {self.model_name}`.",
            )
        return self._installed(
            pull(self.model_name, self._store, self._catalogue, report, cancelled)
        )

    def _on_disk(self, path: Path) -> InstalledModel | None:
        """A file that the settings name by its path is served as it is."""
        return self._described(path.stem, path.absolute()) if path.is_file() else None

    def _installed(self, record: StoredModel) -> InstalledModel:
        return self._described(record.name, self._store.list_paths(record)[0])

    def _described(self, name: str, path: Path) -> InstalledModel:
        family = self._catalogue.find_family(name, gguf.read_file_header(path).name)
        catalogue = self._catalogue
        return InstalledModel(
            name, path, family, catalogue.get_fim_texts(family), catalogue.get_fim_layout(family)
        )


def _quiet(progress: Progress) -> None:
    """Nobody watches a check that takes no time."""
