"""Write small GGUF files with the metadata and the tensors that a test needs."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

STRING, ARRAY = 8, 9
U32, I32, F32, BOOL, U64 = 4, 5, 6, 7, 10
F16_TENSOR, Q8_0_TENSOR = 1, 8
ALIGNMENT = 32

Tensor = tuple[str, Sequence[int], int]
"""Name, shape, type."""

TENSORS: tuple[Tensor, ...] = (("token_embd.weight", (4, 8), F16_TENSOR),)
METADATA: dict[str, object] = {
    "general.architecture": "qwen2",
    "general.name": "Tiny Coder",
    "general.file_type": 15,
    "qwen2.context_length": 4096,
    "qwen2.embedding_length": 64,
}


def build_gguf(
    metadata: Mapping[str, object] = METADATA,
    tensors: Sequence[Tensor] = TENSORS,
    version: int = 3,
    fill: bytes = b"\x00",
) -> bytes:
    """Build a whole file. `fill` is the byte of the weights, so that two files can differ."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    head += b"".join(_encode_text(key) + _encode_value(value) for key, value in metadata.items())
    offset, sizes = 0, []
    for name, shape, kind in tensors:
        head += _encode_text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", kind, offset)
        sizes.append(_count_tensor_bytes(shape, kind))
        offset += -(-sizes[-1] // ALIGNMENT) * ALIGNMENT
    last = sizes[-1] if sizes else 0
    weights = offset - (-(-last // ALIGNMENT) * ALIGNMENT) + last
    return head.ljust(-(-len(head) // ALIGNMENT) * ALIGNMENT, b"\0") + fill * weights


def write_gguf(
    path: Path,
    metadata: Mapping[str, object] = METADATA,
    tensors: Sequence[Tensor] = TENSORS,
    version: int = 3,
) -> Path:
    """Write such a file; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(build_gguf(metadata, tensors, version))
    return path


def build_big_gguf(size: int = 3_000_000, fill: bytes = b"\x07") -> bytes:
    """Build a file of slightly more than `size` bytes, large enough to cut its download."""
    return build_gguf(tensors=[("big", (size // 2,), F16_TENSOR)], fill=fill)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _count_tensor_bytes(shape: Sequence[int], kind: int) -> int:
    elements = 1
    for length in shape:
        elements *= length
    return elements * 2 if kind == F16_TENSOR else elements // 32 * 34


def _encode_value(value: object) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _encode_text(value)
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", U32, value)
    if isinstance(value, float):
        return struct.pack("<If", F32, value)
    if isinstance(value, list):
        return struct.pack("<I", ARRAY) + _encode_array(value)
    raise TypeError(value)


def _encode_array(values: list[object]) -> bytes:
    if values and isinstance(values[0], list):
        inner = b"".join(_encode_array(value) for value in values if isinstance(value, list))
        return struct.pack("<IQ", ARRAY, len(values)) + inner
    if values and isinstance(values[0], str):
        return struct.pack("<IQ", STRING, len(values)) + b"".join(
            map(_encode_text, map(str, values))
        )
    return struct.pack(f"<IQ{len(values)}i", I32, len(values), *values)


def _encode_text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw
