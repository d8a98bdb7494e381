"""What there is to know of a model without loading it: for lists and for `models info`."""

from dataclasses import dataclass
from pathlib import Path

from copilotd.errors import CorruptModel
from copilotd.models import gguf
from copilotd.models.catalogue import Catalogue, CatalogueEntry
from copilotd.models.fim import FimTokens
from copilotd.models.store import ModelStore, StoredModel

NO_TOKENS = FimTokens()
UNREADABLE = gguf.GgufInfo(0, "", "", "", 0, None, None, NO_TOKENS, None, 0)
"""What is known of a file whose header cannot be read."""


@dataclass(frozen=True, slots=True)
class InstalledDetails:
    """What only an installed file can tell. `sha256` may be empty, `problem` is empty if none."""

    paths: tuple[Path, ...]
    origin: str
    added: str
    sha256: tuple[str, ...] = ()
    architecture: str = ""
    own_name: str = ""
    embedding_length: int | None = None
    fim_tokens: FimTokens = NO_TOKENS
    tools: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model, installed or not. Sizes in bytes, 0 or None where nothing is known.

    `default` means that this one is served, `recommended` that it suits this machine best.
    """

    name: str
    family: str
    parameters: str
    quantisation: str
    size: int
    context: int | None
    fim: bool
    chat: bool
    memory_gib: float | None
    licence: str
    default: bool
    recommended: bool
    sources: tuple[str, ...]
    installed: InstalledDetails | None = None


class ModelSummaries:
    """Puts together what the store, the catalogue and the files' headers say.

    `served` is the model that the settings ask for, `recommended` the one that suits the machine.
    """

    def __init__(
        self, store: ModelStore, catalogue: Catalogue, served: str, recommended: str
    ) -> None:
        self._store, self._catalogue = store, catalogue
        self._served, self._recommended = served, recommended

    def list_all(self) -> list[ModelSummary]:
        """The installed models, then those of the catalogue that are not."""
        records = self._store.records
        names = {record.name for record in records}
        others = (entry for entry in self._catalogue.models if entry.name not in names)
        return [*map(self._of_record, records), *map(self._of_entry, others)]

    def get(self, name: str) -> ModelSummary:
        """The model of that name.

        Raises:
            ModelNotFound: it is neither installed nor in the catalogue.
        """
        record = self._store.find(name)
        return self._of_record(record) if record else self._of_entry(self._catalogue.get(name))

    def _of_entry(self, entry: CatalogueEntry) -> ModelSummary:
        return ModelSummary(
            name=entry.name,
            family=entry.family,
            parameters=entry.parameters,
            quantisation=entry.quantisation,
            size=entry.approximate_size,
            context=entry.context,
            fim=entry.fim,
            chat=entry.chat,
            memory_gib=entry.memory_gib,
            licence=entry.licence,
            default=entry.name == self._served,
            recommended=entry.name == self._recommended,
            sources=tuple(entry.sources),
        )

    def _of_record(self, record: StoredModel) -> ModelSummary:
        entry, paths = self._catalogue.find(record.name), tuple(self._store.list_paths(record))
        info, problem = _read(paths[0])
        family = self._catalogue.find_family(record.name, info.name)
        return ModelSummary(
            name=record.name,
            family=family,
            parameters=entry.parameters if entry else _count(info.parameters),
            quantisation=info.quantisation,
            size=record.size,
            context=info.context_length,
            fim=info.has_fim or "prefix" in self._catalogue.get_fim_texts(family),
            chat=info.has_chat,
            memory_gib=entry.memory_gib if entry else None,
            licence=entry.licence if entry else "",
            default=self._is_served(record),
            recommended=record.name == self._recommended,
            sources=tuple(entry.sources) if entry else (record.origin,),
            installed=InstalledDetails(
                paths=paths,
                origin=record.origin,
                added=record.added,
                sha256=tuple(file.sha256 for file in record.files),
                architecture=info.architecture,
                own_name=info.name,
                embedding_length=info.embedding_length,
                fim_tokens=info.fim,
                tools=info.has_tools,
                problem=problem,
            ),
        )

    def _is_served(self, record: StoredModel) -> bool:
        return self._served in (record.name, record.origin)


def _read(path: Path) -> tuple[gguf.GgufInfo, str]:
    """The header, and what is wrong with it if anything is."""
    try:
        return gguf.read_header(path), ""
    except CorruptModel as error:
        return UNREADABLE, error.message


def _count(parameters: int) -> str:
    """A number of parameters as models are called by it: 1.5B, 135M; empty if it is not known."""
    for unit, scale in (("B", 10**9), ("M", 10**6)):
        if parameters >= scale:
            return f"{parameters / scale:.3g}{unit}"
    return str(parameters or "")
