"""The metadata of a model file."""

import ctypes
from typing import Any

from llama_cpp import llama_cpp as C

from copilotd.engine.worker.llama.rope import Rope


class Metadata:
    """The key-value pairs of a GGUF file, read through llama.cpp's handle of the loaded model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.architecture = self.read("general.architecture")

    def read(self, key: str) -> str:
        """Return the value of `key` as llama.cpp formats it; empty if there is none."""
        buffer = ctypes.create_string_buffer(256)
        size = C.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode() if size >= 0 else ""

    def read_for_architecture(self, key: str) -> str:
        """Return the value of an architecture-specific `key`, such as "rope.freq_base"."""
        return self.read(f"{self.architecture}.{key}")

    def describe(self) -> str:
        """Describe architecture, size and quantisation in words."""
        buffer = ctypes.create_string_buffer(256)
        C.llama_model_desc(self._model, buffer, len(buffer))
        return buffer.value.decode()

    def read_chat_template(self) -> str | None:
        """Return the chat template, in Jinja; None if there is none."""
        template = C.llama_model_chat_template(self._model, None)
        return template.decode() if template else None

    def read_rope(self) -> Rope | None:
        """Return how the model rotates its keys; None if `Rope` cannot do it."""
        kind = int(C.llama_model_rope_type(self._model))
        scale = float(C.llama_model_rope_freq_scale_train(self._model))
        return Rope.from_metadata(kind, scale, self.read_for_architecture)
