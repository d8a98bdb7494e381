"""Write a projector that maps red, green and blue to the model's words for these colours.

There is no small vision model to download, so the file is made here. Its encoder takes only the
mean of each colour of a patch, and its output is the embedding of the colour's name.
"""

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

COLOURS = (" red", " green", " blue")
PATCH, SIDE, WIDTH = 14, 56, 32
"""Pixels of the side of a patch and of the image, and channels of the encoder."""
PATCHES = (SIDE // PATCH) ** 2

Array = NDArray[np.float32]


def write_projector(path: Path, model: Path) -> Path:
    """Write the projector for `model` to `path`."""
    words = _read_embeddings(model, COLOURS)
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name("Three colours")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    numbers = {
        "image_size": SIDE,
        "patch_size": PATCH,
        "embedding_length": WIDTH,
        "feed_forward_length": WIDTH,
        "block_count": 1,
        "projection_dim": words.shape[1],
        "attention.head_count": 1,
    }
    for name, number in numbers.items():
        writer.add_uint32(f"clip.vision.{name}", number)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.0, 0.0, 0.0])
    writer.add_array("clip.vision.image_std", [1.0, 1.0, 1.0])
    for name, values in _make_tensors(words).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _make_tensors(words: Array) -> dict[str, Array]:
    patch = np.zeros((WIDTH, 3, PATCH, PATCH), np.float32)
    for channel in range(3):
        patch[channel, channel] = 1 / PATCH**2
    # GELU keeps large positive numbers, and makes small ones vanish.
    steep = np.zeros((WIDTH, WIDTH), np.float32)
    steep[:3, :3] = 16 * np.eye(3)
    named = np.zeros((words.shape[1], WIDTH), np.float32)
    named[:, :3] = words.T / 16
    square, line = np.zeros((WIDTH, WIDTH), np.float32), np.zeros(WIDTH, np.float32)
    block = {f"v.blk.0.{name}.weight": square for name in _MATRICES}
    norms = {f"v.blk.0.{n}.{kind}": line for n in ("ln1", "ln2") for kind in ("weight", "bias")}
    return {
        "v.patch_embd.weight": patch,
        "v.position_embd.weight": np.zeros((PATCHES, WIDTH), np.float32),
        "mm.0.weight": steep,
        "mm.0.bias": line,
        "mm.2.weight": named,
        "mm.2.bias": np.zeros(words.shape[1], np.float32),
        **block,
        **norms,
    }


_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down")


def _read_embeddings(model: Path, words: tuple[str, ...]) -> Array:
    """Read the embeddings of words that are one token each; shape (words, n_embd)."""
    reader = gguf.GGUFReader(model)
    table = next(t for t in reader.tensors if t.name == "token_embd.weight")
    field = reader.fields["tokenizer.ggml.tokens"]
    names = [bytes(field.parts[i]).decode() for i in field.data]
    # A byte-level vocabulary writes a space like this.
    rows = [names.index(word.replace(" ", "Ġ")) for word in words]
    return np.stack([gguf.dequantize(table.data[row], table.tensor_type) for row in rows])
