"""llama.cpp's last error messages, for the exception that follows them."""

from collections import deque

from llama_cpp import llama_cpp as C

_ERROR = 4
"""GGML_LOG_LEVEL_ERROR of ggml.h, which the bindings do not name."""


class ErrorLog:
    """Takes over llama.cpp's log, and keeps only its last errors."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=3)
        self.callback = C.llama_log_callback(self._record)
        """The callback for llama.cpp's other libraries; keep it for as long as they are used."""
        C.llama_log_set(self.callback, None)

    def recent_errors(self) -> str:
        """The end of an error message, like ": reason; reason"; empty without errors."""
        return ": " + "; ".join(self._lines) if self._lines else ""

    def _record(self, level: int, text: bytes, _: object) -> None:
        if level == _ERROR:
            self._lines.append(text.decode("utf-8", "replace").strip())
