"""What a model file says of itself."""

import ctypes
from typing import Any

from llama_cpp import llama_cpp as C

from copilotd.engine.worker.llama.rope import Rope


class Metadata:
    """The key-value pairs of a GGUF file, by llama.cpp's handle of the loaded model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.architecture = self.text("general.architecture")

    def text(self, key: str) -> str:
        """The value of `key` as llama.cpp writes it; empty if there is none."""
        buffer = ctypes.create_string_buffer(256)
        size = C.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode() if size >= 0 else ""

    def own(self, key: str) -> str:
        """The value of a key that begins with the architecture's name, given without that."""
        return self.text(f"{self.architecture}.{key}")

    def description(self) -> str:
        """Architecture, size and quantisation in words."""
        buffer = ctypes.create_string_buffer(256)
        C.llama_model_desc(self._model, buffer, len(buffer))
        return buffer.value.decode()

    def chat_template(self) -> str | None:
        """The chat template, in Jinja; None if there is none."""
        template = C.llama_model_chat_template(self._model, None)
        return template.decode() if template else None

    def rope(self) -> Rope | None:
        """How its keys are turned; None if that is not known here."""
        kind = int(C.llama_model_rope_type(self._model))
        return Rope.of(kind, float(C.llama_model_rope_freq_scale_train(self._model)), self.own)
