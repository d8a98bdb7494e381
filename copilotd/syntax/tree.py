"""Syntax trees of source code, parsed by tree-sitter.

A parse holds the interpreter's lock, also in another thread, so every parse is bounded: a text with
very long lines or very deep nesting, on which a grammar may take minutes, is not parsed, and a
parse that takes too long is stopped.
"""

import time
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from copilotd.syntax.grammars import find_grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

MAX_ERRORS = 500
"""Errors are not counted beyond this. A text that cannot be parsed in time counts as this many."""

_MAX_BYTES = 150_000
"""About 4,000 lines; a first parse takes about 0.1 ms for 1,000 bytes."""
_MAX_LINE = 1_000
"""Bytes in a line. Some grammars need minutes for one line of 10,000 operators."""
_MAX_DEPTH = 150
"""Open brackets; grammars need minutes for 10,000."""
_MAX_PARSE_S = 0.04
"""Processor time of a parse: a keystroke may wait for it."""
_MAX_VISITS = 5_000
"""Nodes that are visited to count errors."""
_READ_BYTES = 16_384

_OPENERS = b"([{"
_CLOSERS = b")]}"
_NO_BRACKETS = bytes(set(range(256)) - set(_OPENERS + _CLOSERS))


@dataclass(frozen=True)
class SyntaxTree:
    """The syntax tree of `text`; immutable.

    Offsets count code points. Lone surrogates are parsed as question marks.
    """

    text: str
    language: str
    _data: bytes
    _tree: "Tree | None"

    @classmethod
    def parse(cls, text: str, language: str) -> "SyntaxTree | None":
        """Parse a whole text; None if its language has no grammar, or it is too complex."""
        if len(text) > _MAX_BYTES or find_grammar(language) is None:
            return None
        data = _encode(text)
        tree = _parse(data, language, None) if _is_simple(data) else None
        return cls(text, language, data, tree) if tree else None

    def replace(self, start: int, end: int, text: str) -> "SyntaxTree":
        """The tree after `text` replaced the code points from `start` to `end`.

        Only the part that changes is parsed. If that takes too long, the tree is not `complete`.
        """
        start = min(max(start, 0), len(self.text))
        end = min(max(end, start), len(self.text))
        edit = _Edit.of(self._data, self._to_byte(start), self._to_byte(end), _encode(text))
        tree = None
        if self._tree is not None and len(edit.data) <= _MAX_BYTES and edit.is_simple:
            tree = _parse(edit.data, self.language, edit.apply(self._tree))
        whole = self.text[:start] + text + self.text[end:]
        return SyntaxTree(whole, self.language, edit.data, tree)

    @property
    def complete(self) -> bool:
        """Whether the text could be parsed within the limits."""
        return self._tree is not None

    @cached_property
    def error_count(self) -> int:
        """The number of syntax errors: pieces that do not fit, and tokens that are missing."""
        return MAX_ERRORS if self._tree is None else _count_errors(self._tree.root_node)

    def kind_at(self, offset: int) -> str:
        """The grammar's name for the smallest node that contains the character at `offset`.

        It is empty if the text could not be parsed.
        """
        if self._tree is None:
            return ""
        start = self._to_byte(min(max(offset, 0), len(self.text)))
        end = min(start + 1, len(self._data))
        node = self._tree.root_node.descendant_for_byte_range(start, end)
        return node.type if node else ""

    def _to_byte(self, offset: int) -> int:
        if len(self._data) == len(self.text):
            return offset
        return len(_encode(self.text[:offset]))


@dataclass(frozen=True, slots=True)
class _Edit:
    """Bytes of a text are replaced; `data` is the text afterwards."""

    data: bytes
    start: int
    old_end: int
    new_end: int
    old_end_point: tuple[int, int]

    @classmethod
    def of(cls, before: bytes, start: int, end: int, inserted: bytes) -> "_Edit":
        data = before[:start] + inserted + before[end:]
        return cls(data, start, end, start + len(inserted), _point_at(before, end))

    @property
    def is_simple(self) -> bool:
        """Whether the lines that change are simple enough to be parsed."""
        line_start = self.data.rfind(b"\n", 0, self.start) + 1
        line_end = self.data.find(b"\n", self.new_end)
        return _is_simple(self.data[line_start : line_end if line_end >= 0 else None])

    def apply(self, tree: "Tree") -> "Tree":
        edited = tree.copy()
        edited.edit(
            self.start,
            self.old_end,
            self.new_end,
            _point_at(self.data, self.start),
            self.old_end_point,
            _point_at(self.data, self.new_end),
        )
        return edited


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _point_at(data: bytes, offset: int) -> tuple[int, int]:
    """The row and the column (in bytes) of an offset, both from 0."""
    return data.count(b"\n", 0, offset), offset - (data.rfind(b"\n", 0, offset) + 1)


def _is_simple(data: bytes) -> bool:
    """Whether no line is very long, and brackets are not deeply nested."""
    if len(data) > _MAX_LINE and max(map(len, data.split(b"\n"))) > _MAX_LINE:
        return False
    steps = (1 if bracket in _OPENERS else -1 for bracket in data.translate(None, _NO_BRACKETS))
    return max(accumulate(steps), default=0) <= _MAX_DEPTH


def _parse(data: bytes, language: str, old: "Tree | None") -> "Tree | None":
    """Parse `data` with `old` as the tree of an earlier version; None if it takes too long."""
    parser = _parser_of(language)
    deadline = time.thread_time() + _MAX_PARSE_S

    def read(offset: int, _: object) -> bytes:
        return data[offset : offset + _READ_BYTES]

    def is_too_slow(_offset: int, _has_error: bool) -> bool:
        return time.thread_time() > deadline

    try:
        if old is None:
            return parser.parse(read, progress_callback=is_too_slow)
        return parser.parse(read, old, progress_callback=is_too_slow)
    except ValueError:
        parser.reset()
        return None


@cache
def _parser_of(language: str) -> "Parser":
    from tree_sitter import Parser

    return Parser(find_grammar(language))


def _count_errors(root: "Node") -> int:
    """The number of ERROR and MISSING nodes; subtrees without one are not visited."""
    found = visits = 0
    cursor = root.walk()
    while visits < _MAX_VISITS and found < MAX_ERRORS:
        visits += 1
        node = cursor.node
        assert node is not None
        if node.is_error or node.is_missing:
            found += 1
        if node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return found
    return found
