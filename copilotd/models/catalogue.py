"""The models that copilotd knows by name: `configs/models.toml`, read and typed."""

from pathlib import Path

import msgspec

from copilotd.errors import ModelNotFound
from copilotd.models.fim import FimLayout

SHIPPED = Path(__file__).with_name("models.toml")
IN_CHECKOUT = Path(__file__).parents[2] / "configs" / "models.toml"


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model family. `fim` maps fields of `FimTokens` to token texts, for files without token ids.

    A file from elsewhere belongs to the family if its name contains one of `match` (lower case).
    """

    name: str
    title: str
    publisher: str
    match: list[str]
    fim: dict[str, str] = {}
    layout: FimLayout = FimLayout()


class MinimumHardware(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The smallest machine on which a model completes quickly without a GPU."""

    cores: int
    memory_gib: float


class CatalogueEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model in one quantisation.

    `size` is the exact size in bytes; if it is not published, `size_gb` comes from the model card.
    `memory_gib` is the memory that the machine should have. `sources` are references
    (`sources.reference`), best first. `sha256` is the checksum of the file, `wheel_sha256` the
    checksums of the packages. A model with `default_from` may become the default.
    """

    name: str
    family: str
    parameters: str
    quantisation: str
    context: int
    fim: bool
    chat: bool
    licence: str
    memory_gib: float
    sources: list[str]
    size: int = 0
    size_gb: float = 0.0
    sha256: str = ""
    wheel_sha256: list[str] = []
    default_from: MinimumHardware | None = None

    @property
    def approximate_size(self) -> int:
        """The size in bytes, exact if it is known; 0 if nothing is known."""
        return self.size or int(self.size_gb * 10**9)


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All families and models, in the order of the catalogue file."""

    families: list[Family]
    models: list[CatalogueEntry]

    def find(self, name: str) -> CatalogueEntry | None:
        """Return the model called `name`; None if there is none."""
        return next((entry for entry in self.models if entry.name == name), None)

    def get(self, name: str) -> CatalogueEntry:
        """Return the model called `name`.

        Raises:
            ModelNotFound: there is none; the hint names similar ones.
        """
        entry = self.find(name)
        if entry is not None:
            return entry
        similar = [e.name for e in self.models if name.lower() in e.name]
        hint = f"Did you mean {', '.join(similar)}?" if similar else "See `copilotd models list`."
        raise ModelNotFound(f"There is no model called {name!r}", hint)

    def find_family(self, name: str, header_name: str = "") -> str:
        """Return the family of a model by its names here and in its header; empty if unknown."""
        if entry := self.find(name):
            return entry.family
        text = f"{name} {header_name}".lower().replace(" ", "-").replace("_", "-")
        families = (f.name for f in self.families if any(part in text for part in f.match))
        return next(families, "")

    def get_fim_texts(self, family: str) -> dict[str, str]:
        """Return the FIM token texts by field of `FimTokens`; empty for an unknown family."""
        return next((dict(f.fim) for f in self.families if f.name == family), {})

    def get_fim_layout(self, family: str) -> FimLayout:
        """Return the FIM prompt layout of a family; the usual layout for an unknown family."""
        return next((f.layout for f in self.families if f.name == family), FimLayout())


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue at `path`; None means the one of this installation."""
    file = path or (SHIPPED if SHIPPED.exists() else IN_CHECKOUT)
    return msgspec.toml.decode(file.read_bytes(), type=Catalogue)
