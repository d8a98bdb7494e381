"""Parses files with tree-sitter's grammars, apart from the daemon's own parse check.

Only ASCII text has the same offsets in every encoding, so places are drawn in ASCII files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import tree_sitter_go
import tree_sitter_java
import tree_sitter_python
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Tree

_GRAMMARS = {
    "go": tree_sitter_go.language,
    "java": tree_sitter_java.language,
    "python": tree_sitter_python.language,
    "rust": tree_sitter_rust.language,
    "typescript": tree_sitter_typescript.language_typescript,
}
LANGUAGES = tuple(_GRAMMARS)
_STATEMENT = re.compile(r"(statement|declaration|definition|(?<!attribute)_item)$")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A token, a string as a whole, or a comment; `kind` is its type in the grammar."""

    start: int
    end: int
    kind: str

    @property
    def is_string(self) -> bool:
        """Whether it is a string with its quotes."""
        return "string" in self.kind

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment."""
        return "comment" in self.kind

    @property
    def is_name(self) -> bool:
        """Whether it is an identifier."""
        return self.kind.endswith("identifier")


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A text with its leaves in order, and the offsets at which a statement of one line ends."""

    text: str
    leaves: tuple[Leaf, ...]
    statement_ends: frozenset[int]


def count_errors(language: str, text: str) -> int:
    """The number of ERROR and MISSING nodes of the tree."""
    return _count_in(_parse(language, text).root_node)


def parse_file(language: str, text: str) -> ParsedFile | None:
    """The parsed file; None if it is not ASCII or has errors."""
    tree = _parse(language, text) if text.isascii() else None
    if tree is None or tree.root_node.has_error:
        return None
    leaves = [leaf for leaf in _find_leaves(tree.root_node) if text[leaf.start : leaf.end].strip()]
    ends = frozenset(
        node.end_byte
        for node in _find_statements(tree.root_node)
        if not text[node.end_byte :].partition("\n")[0].strip()
    )
    return ParsedFile(text, tuple(leaves), ends)


def _parse(language: str, text: str) -> Tree:
    return _create_parser(language).parse(text.encode("utf-8", "replace"))


@cache
def _create_parser(language: str) -> Parser:
    return Parser(Language(_GRAMMARS[language]()))


def _count_in(node: Node) -> int:
    if not node.has_error:
        return 0
    return (node.is_error or node.is_missing) + sum(map(_count_in, node.children))


def _find_leaves(node: Node) -> Iterator[Leaf]:
    leaf = Leaf(node.start_byte, node.end_byte, node.type)
    is_whole = node.is_named and (leaf.is_string or leaf.is_comment)
    if is_whole or not node.children:
        yield leaf
    else:
        for child in node.children:
            yield from _find_leaves(child)


def _find_statements(node: Node) -> Iterator[Node]:
    if node.is_named and _STATEMENT.search(node.type):
        if node.start_point.row == node.end_point.row:
            yield node
    for child in node.children:
        yield from _find_statements(child)
