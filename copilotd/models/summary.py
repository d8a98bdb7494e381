"""Facts about a model that are known without loading it, for `models list` and `models info`."""

from dataclasses import dataclass
from pathlib import Path

from copilotd.errors import CorruptModel
from copilotd.models import gguf
from copilotd.models.catalogue import Catalogue, CatalogueEntry
from copilotd.models.fim import FimTokens
from copilotd.models.store import ModelStore, StoredModel

NO_FIM_TOKENS = FimTokens()
UNREADABLE = gguf.GgufInfo(0, "", "", "", 0, None, None, NO_FIM_TOKENS, None, 0)
"""Replaces the header of a file that cannot be read."""


@dataclass(frozen=True, slots=True)
class InstalledDetails:
    """Facts that only an installed file has. `sha256` and `problem` may be empty."""

    paths: tuple[Path, ...]
    origin: str
    added: str
    sha256: tuple[str, ...] = ()
    architecture: str = ""
    own_name: str = ""
    embedding_length: int | None = None
    fim_tokens: FimTokens = NO_FIM_TOKENS
    tools: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model, installed or not. Sizes are in bytes; 0 or None if unknown.

    `default` means that this model is served, `recommended` that it suits this machine best.
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
    """Combines the store, the catalogue and the headers of the files.

    `served` is the model that the settings ask for, `recommended` the one that suits the machine.
    """

    def __init__(
        self, store: ModelStore, catalogue: Catalogue, served: str, recommended: str
    ) -> None:
        self._store, self._catalogue = store, catalogue
        self._served, self._recommended = served, recommended

    def list_all(self) -> list[ModelSummary]:
        """Return the installed models, then the other models of the catalogue."""
        records = self._store.records
        names = {record.name for record in records}
        others = (entry for entry in self._catalogue.models if entry.name not in names)
        return [*map(self._summarize_stored, records), *map(self._summarize_entry, others)]

    def get(self, name: str) -> ModelSummary:
        """Return the model called `name`.

        Raises:
            ModelNotFound: it is neither installed nor in the catalogue.
        """
        record = self._store.find(name)
        return (
            self._summarize_stored(record)
            if record
            else self._summarize_entry(self._catalogue.get(name))
        )

    def _summarize_entry(self, entry: CatalogueEntry) -> ModelSummary:
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

    def _summarize_stored(self, record: StoredModel) -> ModelSummary:
        entry, paths = self._catalogue.find(record.name), tuple(self._store.list_paths(record))
        info, problem = _read_header(paths[0])
        family = self._catalogue.find_family(record.name, info.name)
        return ModelSummary(
            name=record.name,
            family=family,
            parameters=entry.parameters if entry else _format_parameters(info.parameters),
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


def _read_header(path: Path) -> tuple[gguf.GgufInfo, str]:
    """Return the header, and the problem if it cannot be read."""
    try:
        return gguf.read_header(path), ""
    except CorruptModel as error:
        return UNREADABLE, error.message


def _format_parameters(parameters: int) -> str:
    """Format a number of parameters as model names do: 1.5B, 135M; empty if unknown."""
    for unit, scale in (("B", 10**9), ("M", 10**6)):
        if parameters >= scale:
            return f"{parameters / scale:.3g}{unit}"
    return str(parameters or "")
