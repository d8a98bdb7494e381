"""Decides which model file the settings ask for, and downloads it if it is missing."""

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
    """A model file that passed its checks.

    `fim_fallback` maps fields of `FimTokens` to token texts, for a file without token ids. `layout`
    is the FIM layout of the family.
    """

    name: str
    path: Path
    family: str
    fim_fallback: dict[str, str]
    layout: FimLayout = field(default_factory=FimLayout)


class Provisioner:
    """Finds or downloads the model that the settings ask for."""

    def __init__(self, store: ModelStore, catalogue: Catalogue, settings: ModelSection) -> None:
        self._store, self._catalogue, self._settings = store, catalogue, settings

    @property
    def model_name(self) -> str:
        """The name or reference of the model to serve."""
        if self._settings.name != AUTO:
            return self._settings.name
        return self._store.default or recommend(self._catalogue, detect_hardware()).entry.name

    def find_installed(self) -> InstalledModel | None:
        """Return the model to serve if it is on the disk, else None; never uses the network.

        Raises:
            CorruptModel: it is on the disk, but damaged.
        """
        name = self.model_name
        record = self._store.find(canonicalize(name))
        if record is None:
            return self._find_on_disk(Path(name).expanduser()) if is_reference(name) else None
        self._store.check(record, DownloadJob(_ignore_progress, threading.Event()))
        return self._from_store(record)

    def ensure_installed(
        self, report: ProgressCallback, cancelled: threading.Event
    ) -> InstalledModel:
        """Return the model to serve; download it if it is missing and the settings allow that.

        Raises: ModelNotFound, DownloadFailed, CorruptModel, DiskFull, DownloadCancelled.
        """
        installed = self.find_installed()
        if installed is not None:
            return installed
        if not self._settings.auto_download:
            raise ModelNotFound(
                f"The model {self.model_name} is not installed, and model.auto_download is off",
                f"Download it with `copilotd models pull {self.model_name}`.",
            )
        return self._from_store(
            pull(self.model_name, self._store, self._catalogue, report, cancelled)
        )

    def _find_on_disk(self, path: Path) -> InstalledModel | None:
        """Return the file at `path`, which the settings name directly; None if there is none."""
        return self._describe(path.stem, path.absolute()) if path.is_file() else None

    def _from_store(self, record: StoredModel) -> InstalledModel:
        return self._describe(record.name, self._store.list_paths(record)[0])

    def _describe(self, name: str, path: Path) -> InstalledModel:
        family = self._catalogue.find_family(name, gguf.read_file_header(path).name)
        catalogue = self._catalogue
        return InstalledModel(
            name, path, family, catalogue.get_fim_texts(family), catalogue.get_fim_layout(family)
        )


def _ignore_progress(progress: Progress) -> None:
    """A quick check needs no progress bar."""
