"""The models, as Ollama lists its own."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from copilotd.engine.types import ModelInfo
from copilotd.serving.registry import ServedModel

Entry = dict[str, Any]
_NEVER = "0001-01-01T00:00:00Z"
_CAPABILITIES = ("completion", "tools")


def describe(model: ServedModel) -> Entry:
    """An entry of the list; facts that are unknown before the first load are empty.

    Ollama's digest is the hash of a manifest; this one is the hash of the model's name and size.
    """
    name, info = model.alias, model.info
    digest = hashlib.sha256(f"{name} {info.size if info else 0}".encode()).hexdigest()
    return {
        "name": name,
        "model": name,
        "modified_at": _format_modified(info),
        "size": info.size if info else 0,
        "digest": digest,
        "details": _describe_family(info),
    }


def describe_loaded(model: ServedModel) -> Entry:
    """An entry of the list of loaded models."""
    info = model.info
    loaded = {"expires_at": _NEVER, "size_vram": 0, "context_length": info.n_ctx if info else 0}
    return describe(model) | loaded


def _describe_family(info: ModelInfo | None) -> Entry:
    """The family, size and quantization of a model."""
    family = info.architecture if info else ""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family] if family else [],
        "parameter_size": f"{info.parameters / 1e9:.1f}B" if info else "",
        "quantization_level": info.description.split(" ")[-1] if info else "",
    }


def describe_fully(info: ModelInfo) -> Entry:
    """The details of a model."""
    insert = ("insert",) if info.fim.middle is not None else ()
    vision = ("vision",) if info.supports_images else ()
    return {
        "modelfile": "",
        "parameters": f"num_ctx {info.n_ctx}",
        "template": info.chat_template or "",
        "details": _describe_family(info),
        "model_info": {
            "general.architecture": info.architecture,
            "general.parameter_count": info.parameters,
            f"{info.architecture}.context_length": info.n_ctx,
            f"{info.architecture}.embedding_length": info.n_embd,
        },
        "capabilities": [*_CAPABILITIES, *insert, *vision],
        "modified_at": _format_modified(info),
    }


def _format_modified(info: ModelInfo | None) -> str:
    path = Path(info.path) if info else None
    if path is None or not path.exists():
        return _NEVER
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat().replace("+00:00", "Z")
