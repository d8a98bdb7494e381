"""Puts streamed code at the depth where it belongs."""

from itertools import takewhile


def common_indentation(text: str) -> str:
    """The whitespace with which every line begins that is not blank."""
    depths = [line[: len(line) - len(line.lstrip())] for line in text.splitlines() if line.strip()]
    if not depths:
        return ""
    # What the first and the last in order have in common, all have.
    pairs = zip(min(depths), max(depths), strict=False)
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class Indenter:
    """Takes code in pieces and gives it with `indent` before each line.

    `first` is the indentation that the first line should have by itself: if the model writes it
    deeper, everything it writes is that much too deep, and is moved back. Lines end with
    `line_end`; blank lines at both ends are dropped.
    """

    def __init__(self, indent: str, first: str, line_end: str) -> None:
        self._indent, self._first, self._line_end = indent, first, line_end
        self._surplus: str | None = None
        self._line = ""
        self._is_begun = False
        self._ends = 0

    def add(self, piece: str) -> str:
        """The part of the text that is settled with this piece."""
        return "".join(self._added(character) for character in piece)

    def end(self, closed: bool) -> str:
        """The rest; `closed` says that the text ends with a line end."""
        return self._line_end if closed else ""

    def _added(self, character: str) -> str:
        if character == "\r":
            return ""
        if character == "\n":
            self._line, self._is_begun = "", False
            self._ends += 1
            return ""
        self._line += character
        return self._settled() if self._is_begun or character.strip() else ""

    def _settled(self) -> str:
        """What is new of the line, indented if this is its beginning."""
        text, self._line = self._line, ""
        if self._is_begun:
            return text
        self._is_begun = True
        above = self._line_end * self._ends if self._surplus is not None else ""
        self._ends = 0
        if self._surplus is None:
            self._surplus = text[: len(text) - len(text.lstrip())].removeprefix(self._first)
        return above + self._indent + text.removeprefix(self._surplus)
