"""Says which model file is to be served, and makes sure that it is there."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from copilotd.config import ModelSection
from copilotd.errors import ModelNotFound
from copilotd.models import gguf
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import FimLayout
from copilotd.models.hardware import this_machine
from copilotd.models.progress import Progress, Report
from copilotd.models.pull import pull
from copilotd.models.recommend import choose
from copilotd.models.sources.reference import canonical, is_reference
from copilotd.models.sources.source import Job
from copilotd.models.store import Record, Store

__all__ = ["Installed", "Progress", "Provision"]

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Installed:
    """A model file that was found good.

    `fim_fallback` gives FIM token texts by field of `FimTokens`, for a file that has no ids;
    `layout` is the family's.
    """

    name: str
    path: Path
    family: str
    fim_fallback: dict[str, str]
    layout: FimLayout = field(default_factory=FimLayout)


class Provision:
    """The model that the settings ask for."""

    def __init__(self, store: Store, catalogue: Catalogue, settings: ModelSection) -> None:
        self._store, self._catalogue, self._settings = store, catalogue, settings

    @property
    def wanted(self) -> str:
        """The name or reference that is to be served."""
        if self._settings.name != AUTO:
            return self._settings.name
        return self._store.default or choose(self._catalogue, this_machine()).entry.name

    def installed(self) -> Installed | None:
        """The model that would be served, if it is there already; never touches the network.

        Raises:
            CorruptModel: it is there, but damaged.
        """
        wanted = self.wanted
        record = self._store.find(canonical(wanted))
        if record is None:
            return self._on_disk(Path(wanted).expanduser()) if is_reference(wanted) else None
        self._store.check(record, Job(_quiet, threading.Event()))
        return self._installed(record)

    def ensure(self, report: Report, cancelled: threading.Event) -> Installed:
        """The model to serve; downloads it if it is missing and the settings allow that.

        Raises: ModelNotFound, DownloadFailed, CorruptModel, DiskFull, DownloadCancelled.
        """
        found = self.installed()
        if found is not None:
            return found
        if not self._settings.auto_download:
            raise ModelNotFound(
                f"The model {self.wanted} is not installed, and model.auto_download is off",
                f"Download it with `copilotd models pull {self.wanted}`.",
            )
        return self._installed(pull(self.wanted, self._store, self._catalogue, report, cancelled))

    def _on_disk(self, path: Path) -> Installed | None:
        """A file that the settings name by its path is served as it is."""
        return self._described(path.stem, path.absolute()) if path.is_file() else None

    def _installed(self, record: Record) -> Installed:
        return self._described(record.name, self._store.paths(record)[0])

    def _described(self, name: str, path: Path) -> Installed:
        family = self._catalogue.family_of(name, gguf.read_one(path).name)
        catalogue = self._catalogue
        return Installed(
            name, path, family, catalogue.fim_fallback(family), catalogue.layout(family)
        )


def _quiet(progress: Progress) -> None:
    """Nobody watches a check that takes no time."""
