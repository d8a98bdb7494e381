"""llama.cpp's last complaints, for the error that follows them."""

from collections import deque

from llama_cpp import llama_cpp as C

_ERROR = 4
"""GGML_LOG_LEVEL_ERROR of ggml.h, which the bindings do not name."""


class Complaints:
    """Takes over llama.cpp's log, of which only errors are kept."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=3)
        self.callback = C.llama_log_callback(self._record)
        """For the other libraries of llama.cpp, to be kept as long as they are used."""
        C.llama_log_set(self.callback, None)

    def last_words(self) -> str:
        """The end of an error message; empty if there was no complaint."""
        return ": " + "; ".join(self._lines) if self._lines else ""

    def _record(self, level: int, text: bytes, _: object) -> None:
        if level == _ERROR:
            self._lines.append(text.decode("utf-8", "replace").strip())
