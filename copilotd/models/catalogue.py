"""The models that copilotd knows by name: `configs/models.toml`, read and typed."""

from pathlib import Path

import msgspec

from copilotd.errors import ModelNotFound
from copilotd.models.fim import FimLayout

SHIPPED = Path(__file__).with_name("models.toml")
IN_CHECKOUT = Path(__file__).parents[2] / "configs" / "models.toml"


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models of one make. `fim` gives token texts by field of `FimTokens`, for files without ids.

    `match` are parts of names (in small letters) by which a file from elsewhere is recognised.
    """

    name: str
    title: str
    publisher: str
    match: list[str]
    fim: dict[str, str] = {}
    layout: FimLayout = FimLayout()


class MinimumHardware(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The least machine on which a model completes quickly without a GPU."""

    cores: int
    memory_gib: float


class CatalogueEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model in one quantisation.

    `size` is in bytes, exact; where that is not published, `size_gb` is what the model card says.
    `memory_gib` is what the machine should have for it. `sources` are references
    (`sources.reference`), best first; `sha256` is that of the file, `wheel_sha256` those of the
    packages. `default_from` makes it a candidate for the default.
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
        """Bytes, as exactly as they are known; 0 for not at all."""
        return self.size or int(self.size_gb * 10**9)


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All families and models, in the order of the file."""

    families: list[Family]
    models: list[CatalogueEntry]

    def find(self, name: str) -> CatalogueEntry | None:
        """The model of that name, if there is one."""
        return next((entry for entry in self.models if entry.name == name), None)

    def get(self, name: str) -> CatalogueEntry:
        """The model of that name.

        Raises:
            ModelNotFound: there is none; the hint names those that look like it.
        """
        entry = self.find(name)
        if entry is not None:
            return entry
        near = [e.name for e in self.models if name.lower() in e.name]
        hint = f"Did you mean {', '.join(near)}?" if near else "See `copilotd models list`."
        raise ModelNotFound(f"There is no model called {name!r}", hint)

    def find_family(self, name: str, own_name: str = "") -> str:
        """The family of a model, by its name here and that in its header; empty if unknown."""
        if entry := self.find(name):
            return entry.family
        text = f"{name} {own_name}".lower().replace(" ", "-").replace("_", "-")
        found = (f.name for f in self.families if any(part in text for part in f.match))
        return next(found, "")

    def get_fim_texts(self, family: str) -> dict[str, str]:
        """Token texts by field of `FimTokens`; empty for a family that is not known."""
        return next((dict(f.fim) for f in self.families if f.name == family), {})

    def get_fim_layout(self, family: str) -> FimLayout:
        """How the family's FIM prompts are laid out; the usual way for one that is not known."""
        return next((f.layout for f in self.families if f.name == family), FimLayout())


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue: the one given, or that which is part of this installation."""
    file = path or (SHIPPED if SHIPPED.exists() else IN_CHECKOUT)
    return msgspec.toml.decode(file.read_bytes(), type=Catalogue)
