"""The input and the output of a filter."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from copilotd.documents import Document
from copilotd.syntax.fences import find_fenced_code
from copilotd.syntax.languages import detect_language
from copilotd.syntax.lines import unify_line_ends
from copilotd.syntax.nesting import Nesting, scan_nesting
from copilotd.syntax.tree import SyntaxTree


@dataclass(frozen=True, slots=True)
class FilterStep:
    """One filter that changed the text: its name, and the text before and after."""

    name: str
    before: str
    after: str


_REACH = 50_000
"""Characters before the cursor that are searched for open brackets."""


class Mode(StrEnum):
    """How much text the cursor needs."""

    LINE = "line"
    """The rest of this line: there is code after the cursor, or an unfinished statement."""
    BLOCK = "block"
    """Several lines: the cursor is on a blank line or after text that opens a block."""


@dataclass(frozen=True)
class CursorContext:
    """The place of a completion. `before` + `after` is the whole document.

    `tree` is the document's syntax tree, if it has one. `invoked` means that the user asked with a
    key. `outer` is the same place in the whole document, if this one is in a code block of it.
    """

    document: Document
    offset: int
    mode: Mode
    max_lines: int
    tree: SyntaxTree | None = None
    invoked: bool = False
    outer: "CursorContext | None" = None

    @cached_property
    def text(self) -> str:
        """The document, with a line feed for each line end that is a lone CR; offsets stay."""
        return unify_line_ends(self.document.text)

    @cached_property
    def innermost(self) -> "CursorContext":
        """The place in the code block around the cursor, if there is one in a document of prose."""
        found = find_fenced_code(self.document, self.offset)
        if found is None:
            return self
        code, offset = found
        return replace(self, document=code, offset=offset, tree=None, outer=self)

    @cached_property
    def before(self) -> str:
        """All text before the cursor."""
        return self.text[: self.offset]

    @cached_property
    def after(self) -> str:
        """All text after the cursor."""
        return self.text[self.offset :]

    @cached_property
    def line_before(self) -> str:
        """The cursor's line up to the cursor."""
        return self.before[self.before.rfind("\n") + 1 :]

    @cached_property
    def line_after(self) -> str:
        """The cursor's line from the cursor on, without its line end."""
        return self.after.split("\n", 1)[0].rstrip("\r")

    @cached_property
    def lines_above(self) -> tuple[str, ...]:
        """The lines before the cursor's line, without their line ends."""
        return tuple(line.rstrip("\r") for line in self.before.split("\n")[:-1])

    @cached_property
    def lines_below(self) -> tuple[str, ...]:
        """The lines after the cursor's line, without their line ends."""
        return tuple(line.rstrip("\r") for line in self.after.split("\n")[1:])

    @cached_property
    def below(self) -> tuple[str, ...]:
        """The lines of `lines_below` that are not blank."""
        return tuple(line for line in self.lines_below if line.strip())

    @cached_property
    def line_above(self) -> str:
        """The nearest line above the cursor's that is not blank; empty if there is none."""
        return next((line for line in reversed(self.lines_above) if line.strip()), "")

    @property
    def at_line_start(self) -> bool:
        """Whether only white space is before the cursor on its line."""
        return not self.line_before.strip()

    @cached_property
    def language(self) -> str:
        """The language id in lower case; empty if unknown."""
        return detect_language(self.document)

    @cached_property
    def nesting(self) -> Nesting:
        """The brackets, strings and comments that are open at the cursor."""
        return scan_nesting((), self._reach_above(), self.language)

    def _reach_above(self) -> str:
        if len(self.before) <= _REACH:
            return self.before
        return self.before[self.before.find("\n", len(self.before) - _REACH) + 1 :]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completion between two filters.

    `text` is inserted at the cursor and replaces the first `overwrites` code points after it. If it
    is `unfinished`, the token limit ended it, and its last line may be half a line.
    """

    text: str
    overwrites: int = 0
    unfinished: bool = False

    def with_text(self, text: str) -> "Candidate":
        """The same candidate with another text."""
        return replace(self, text=text)


Filter = Callable[[CursorContext, Candidate], Candidate]
"""Improves a finished candidate; an empty text means that nothing is shown."""

StreamFilter = Callable[[CursorContext, str], int | None]
"""Takes the whole text so far; returns the length to keep if generation should stop, else None."""
