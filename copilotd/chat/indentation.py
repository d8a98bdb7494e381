"""Indents streamed code to the depth of the lines that it replaces."""

from itertools import takewhile


def find_common_indentation(text: str) -> str:
    """Return the white space that every line begins with; blank lines do not count."""
    indents = [_indentation(line) for line in text.splitlines() if line.strip()]
    if not indents:
        return ""
    # The common prefix of the first and the last in sorted order is common to all.
    pairs = zip(min(indents), max(indents), strict=False)
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class Indenter:
    """Adds `indent` before each line of code that arrives in pieces.

    `first_indent` is the further indentation that the first line should have. If the model indents
    that line more, all its lines are too deep by the same amount, and are moved back. Lines end
    with `line_end`. Blank lines at the beginning and the end are dropped.
    """

    def __init__(self, indent: str, first_indent: str, line_end: str) -> None:
        self._indent, self._first_indent, self._line_end = indent, first_indent, line_end
        self._surplus: str | None = None
        """Indentation to remove from each line; None until the first line that is not blank."""
        self._line = ""
        """The start of the current line while it is blank."""
        self._is_in_line = False
        self._line_breaks = 0
        """Line ends that are not returned yet, because only blank lines may follow."""

    def add(self, piece: str) -> str:
        """Add a piece; return the text that is now certain."""
        return "".join(map(self._add_character, piece))

    def finish(self, ends_line: bool) -> str:
        """Return the rest; with `ends_line` the text ends with a line end."""
        return self._line_end if ends_line else ""

    def _add_character(self, character: str) -> str:
        if character == "\r":
            return ""
        if character == "\n":
            self._line, self._is_in_line = "", False
            self._line_breaks += 1
            return ""
        self._line += character
        return self._take_line() if self._is_in_line or character.strip() else ""

    def _take_line(self) -> str:
        """Return the new part of the line; its beginning comes with the indentation."""
        text, self._line = self._line, ""
        if self._is_in_line:
            return text
        self._is_in_line = True
        line_breaks, self._line_breaks = self._line_end * self._line_breaks, 0
        if self._surplus is None:
            line_breaks = ""
            self._surplus = _indentation(text).removeprefix(self._first_indent)
        return line_breaks + self._indent + text.removeprefix(self._surplus)


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
