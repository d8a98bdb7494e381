"""Reads the header of a GGUF file: what the model is, and whether the file is all there.

A header ends with the list of tensors, so the length that the file must have is known without
reading the weights. The vocabulary, by far the largest part of a header, is stepped over.
"""

import math
import mmap
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from copilotd.errors import CorruptModel
from copilotd.models import fim, shards
from copilotd.models.fim import FimTokens
from copilotd.models.ggml_types import FILE_TYPES, compute_tensor_size

MAGIC = b"GGUF"
VERSIONS = (2, 3)
BYTES_PER_VALUE = 2
"""Of a KV cache in f16, llama.cpp's default."""
HINT = "Download it again with `copilotd models pull`, or choose another file."


@dataclass(frozen=True, slots=True)
class GgufInfo:
    """What the header of a model says. `size` is the length of the file (or of all parts), bytes.

    `parameters` counts the weights; `context_length` and `embedding_length` are None where the
    file does not say. `kv_bytes` is what the KV cache takes per token at 16 bits a value, rounded
    up where layers differ; 0 where nothing is known.
    """

    version: int
    architecture: str
    name: str
    quantisation: str
    parameters: int
    context_length: int | None
    embedding_length: int | None
    fim: FimTokens
    chat_template: str | None
    size: int
    kv_bytes: int = 0

    @property
    def has_fim(self) -> bool:
        """Whether the file itself names the tokens of a fill-in-the-middle prompt."""
        return self.fim.prefix is not None and self.fim.suffix is not None

    @property
    def has_chat(self) -> bool:
        """Whether there is a chat template."""
        return self.chat_template is not None

    @property
    def has_tools(self) -> bool:
        """Whether the chat template mentions tools."""
        return "tools" in (self.chat_template or "")


def read_header(path: Path) -> GgufInfo:
    """Read the header of a model; of one that is split, those of all its parts.

    Raises:
        CorruptModel: a file is missing, is not a GGUF, or is shorter than its tensors say.
    """
    return _summary([_read_file(part) for part in shards.list_parts(path)])


def read_file_header(path: Path) -> GgufInfo:
    """Read the header of one file, whatever it is called.

    Raises:
        CorruptModel: it is missing, is not a GGUF, or is shorter than its tensors say.
    """
    return _summary([_read_file(path)])


@dataclass(frozen=True, slots=True)
class _Header:
    version: int
    metadata: dict[str, object]
    fim: dict[str, int]
    types: list[int]
    weights: int
    size: int

    def text(self, key: str) -> str:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return value if _is_number(value) else None


def _summary(headers: Sequence[_Header]) -> GgufInfo:
    first, types = headers[0], Counter(kind for header in headers for kind in header.types)
    architecture = first.text("general.architecture")
    return GgufInfo(
        version=first.version,
        architecture=architecture,
        name=first.text("general.name"),
        quantisation=_quantisation(first, types),
        parameters=sum(header.weights for header in headers),
        context_length=first.number(f"{architecture}.context_length"),
        embedding_length=first.number(f"{architecture}.embedding_length"),
        fim=FimTokens(**first.fim),
        chat_template=first.text("tokenizer.chat_template") or None,
        size=sum(header.size for header in headers),
        kv_bytes=_kv_bytes(first, architecture),
    )


def _kv_bytes(header: _Header, architecture: str) -> int:
    layers, width, heads, kv_heads, key, value = (
        header.number(f"{architecture}.{name}") or 0
        for name in (
            "block_count",
            "embedding_length",
            "attention.head_count",
            "attention.head_count_kv",
            "attention.key_length",
            "attention.value_length",
        )
    )
    # A file that gives heads by layer is taken for one in which every layer has all of them.
    head = width // heads if heads else 0
    per_layer = (kv_heads or heads) * ((key or head) + (value or head)) or 2 * width
    return layers * per_layer * BYTES_PER_VALUE


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _quantisation(header: _Header, types: Counter[int]) -> str:
    kind = header.number("general.file_type")
    if kind is not None:
        return FILE_TYPES.get(kind, f"type {kind}")
    return f"type {types.most_common(1)[0][0]}" if types else "none"


def _read_file(path: Path) -> _Header:
    try:
        with path.open("rb") as file:
            if file.read(4) != MAGIC:
                raise CorruptModel(f"{path} is not a GGUF file", HINT)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _parse(path, data)
    except OSError as error:
        raise CorruptModel(f"{path}: {error.strerror or error}", HINT) from error
    except struct.error as error:
        raise CorruptModel(f"{path} is cut short: it ends within its header", HINT) from error
    except ValueError as error:
        raise CorruptModel(f"{path} has a damaged header: {error}", HINT) from error


def _parse(path: Path, data: mmap.mmap) -> _Header:
    cursor = _Cursor(data, 4)
    version = cursor.number("<I")
    if version not in VERSIONS:
        big = version.to_bytes(4, "little") in (b"\0\0\0\2", b"\0\0\0\3")
        kind = "written for big-endian machines" if big else f"GGUF version {version}"
        raise CorruptModel(f"{path} is {kind}, which cannot be read here", HINT)
    tensors, keys = cursor.number("<Q"), cursor.number("<Q")
    metadata = {cursor.text(): cursor.value() for _ in range(keys)}
    needed, weights, types = _tensors(cursor, tensors, metadata)
    if needed > len(data):
        raise CorruptModel(
            f"{path} is cut short: its tensors need {needed:,} bytes, it has {len(data):,}", HINT
        )
    return _Header(version, metadata, _fim(metadata), types, weights, len(data))


def _tensors(
    cursor: "_Cursor", count: int, metadata: dict[str, object]
) -> tuple[int, int, list[int]]:
    """The length that the file must have, the number of weights, and the tensors' types."""
    ends, weights, types = [0], 0, []
    for _ in range(count):
        cursor.skip_text()
        elements = math.prod(cursor.dimensions())
        kind, offset = cursor.number("<I"), cursor.number("<Q")
        ends.append(offset + compute_tensor_size(kind, elements))
        weights += elements
        types.append(kind)
    alignment = metadata.get("general.alignment")
    step = alignment if _is_number(alignment) and alignment > 0 else 32
    return -(-cursor.at // step) * step + max(ends), weights, types


def _fim(metadata: dict[str, object]) -> dict[str, int]:
    """Ids of the FIM tokens by field: from the keys, and for want of those from the texts."""
    found: dict[str, int] = {}
    for field, keys in fim.METADATA_KEYS.items():
        ids = (metadata.get(key) for key in keys)
        if (number := next((n for n in ids if _is_number(n)), None)) is not None:
            found[field] = number
    tokens = metadata.get("tokenizer.ggml.tokens")
    if len(found) < len(fim.METADATA_KEYS) and isinstance(tokens, _Texts):
        for number, text in enumerate(tokens):
            if (field := fim.FIELD_BY_TEXT.get(text, "")) and field not in found:
                found[field] = number
    return found


class _Texts:
    """An array of strings, left where it is in the file; lives no longer than the mapping."""

    def __init__(self, data: mmap.mmap, at: int, count: int) -> None:
        self._data, self._at, self._count = data, at, count

    def __iter__(self) -> Iterator[bytes]:
        data, at, unpack = self._data, self._at, struct.Struct("<Q").unpack_from
        for _ in range(self._count):
            (length,) = unpack(data, at)
            yield data[at + 8 : at + 8 + length]
            at += 8 + length


class _Cursor:
    """A place in the file that moves on as values are read."""

    FORMATS = ("<B", "<b", "<H", "<h", "<I", "<i", "<f", "<?", "", "", "<Q", "<q", "<d")
    STRING, ARRAY = 8, 9
    MAX_DIMENSIONS = 4

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self.data, self.at = data, at

    def number(self, layout: str) -> int:
        """One number of the given `struct` format."""
        (value,) = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return value  # type: ignore[no-any-return]  # struct cannot say what it unpacked.

    def text(self) -> str:
        """One string."""
        length = self.number("<Q")
        raw = self.data[self.at : self.at + length]
        if len(raw) < length:
            raise struct.error("a text reaches beyond the end")
        self.at += length
        return raw.decode("utf-8")

    def skip_text(self) -> None:
        """Move behind one string."""
        length = self.number("<Q")
        self.at += length

    def dimensions(self) -> list[int]:
        """The shape of one tensor."""
        count = self.number("<I")
        if count > self.MAX_DIMENSIONS:
            raise ValueError(f"a tensor of {count} dimensions")
        return [self.number("<Q") for _ in range(count)]

    def value(self) -> object:
        """One value with its type in front; arrays come as `_Texts` or None."""
        return self._value(self.number("<I"))

    def _value(self, kind: int) -> object:
        if kind == self.STRING:
            return self.text()
        if kind == self.ARRAY:
            return self._array(self.number("<I"), self.number("<Q"))
        return self.number(self._format(kind))

    def _array(self, kind: int, count: int) -> "_Texts | None":
        if kind == self.STRING:
            texts = _Texts(self.data, self.at, count)
            self._skip_texts(count)
            return texts
        if kind == self.ARRAY:
            for _ in range(count):
                self._array(self.number("<I"), self.number("<Q"))
            return None
        self.at += count * struct.calcsize(self._format(kind))
        return None

    def _skip_texts(self, count: int) -> None:
        # A vocabulary has some hundred thousand strings: this loop is most of the time spent here.
        data, at, unpack = self.data, self.at, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + unpack(data, at)[0]
        self.at = at

    def _format(self, kind: int) -> str:
        if kind >= len(self.FORMATS):
            raise ValueError(f"a value of the unknown type {kind}")
        return self.FORMATS[kind]
