"""Text files that belong to the user: their line ends and their byte order mark stay."""

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

from copilotd.files import write_atomically


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of UTF-8 text. `text` has the line ends of the file, without the byte order mark."""

    path: Path
    text: str
    has_mark: bool = False

    @classmethod
    def read(cls, path: Path) -> "TextFile":
        """Read a file; a missing one is empty. Raises: OSError, UnicodeDecodeError."""
        # A draft belongs in the folder of the linked file.
        path = path.resolve()
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return cls(path, "")
        has_mark = data.startswith(codecs.BOM_UTF8)
        return cls(path, data.removeprefix(codecs.BOM_UTF8).decode("utf-8"), has_mark)

    def write(self, text: str, mode: int | None = None) -> None:
        """Replace the text. New lines get the line ends of the file; its mode stays by default.

        Raises: OSError; the file is unchanged then.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if mode is None and self.path.exists():
            mode = self.path.stat().st_mode & 0o777
        mark = codecs.BOM_UTF8 if self.has_mark else b""
        data = mark + self._with_own_line_ends(text).encode("utf-8")
        write_atomically(self.path, data, mode, durable=True)

    def _with_own_line_ends(self, text: str) -> str:
        lines, crlf = self.text.count("\n"), self.text.count("\r\n")
        line_end = ("\r\n" if crlf == lines else "\n") if lines else os.linesep
        # A file with both keeps both.
        return text if line_end == "\n" else text.replace("\r\n", "\n").replace("\n", line_end)
