"""The newest syntax tree of each open document."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from copilotd.documents import Document
from copilotd.syntax.grammars import find_grammar
from copilotd.syntax.languages import detect_language
from copilotd.syntax.tree import SyntaxTree

_T = TypeVar("_T")

_CAPACITY = 12
"""Documents whose trees are kept. A tree takes about ten times the memory of its text."""
_WORTH_RETRYING = 0.8
"""A text that could not be parsed is tried again when it has shrunk to this share."""


class SyntaxTrees:
    """Keeps the trees of the documents that were asked for last, and updates them."""

    def __init__(self) -> None:
        self._trees: OrderedDict[str, SyntaxTree] = OrderedDict()
        self._too_complex: OrderedDict[str, int] = OrderedDict()

    def tree_of(self, document: Document) -> SyntaxTree | None:
        """The tree of the document; None if it has no grammar, or is too large or too complex."""
        known, language = self._trees.pop(document.uri, None), detect_language(document)
        if known is not None and known.language == language:
            tree = _update(known, document.text)
        else:
            tree = self._parse(document, language)
        if tree is not None:
            _keep(self._trees, document.uri, tree)
        return tree

    def _parse(self, document: Document, language: str) -> SyntaxTree | None:
        """Parse the whole text, unless that failed before with a text of about the same length."""
        if find_grammar(language) is None:
            return None
        failed_at = self._too_complex.pop(document.uri, None)
        if failed_at is not None and len(document.text) > failed_at * _WORTH_RETRYING:
            _keep(self._too_complex, document.uri, failed_at)
            return None
        tree = SyntaxTree.parse(document.text, language)
        if tree is None:
            _keep(self._too_complex, document.uri, len(document.text))
        return tree


def _keep(kept: OrderedDict[str, _T], uri: str, value: _T) -> None:
    """Add the newest value, and drop the oldest one if there are too many."""
    kept[uri] = value
    if len(kept) > _CAPACITY:
        kept.popitem(last=False)


def _update(tree: SyntaxTree, text: str) -> SyntaxTree | None:
    """The tree of `text`, made from the tree of an earlier version; None if that is too slow."""
    if tree.text == text:
        return tree
    start = _common_prefix(tree.text, text)
    kept_end = _common_suffix(tree.text[start:], text[start:])
    updated = tree.replace(start, len(tree.text) - kept_end, text[start : len(text) - kept_end])
    return updated if updated.complete else None


def _common_prefix(one: str, other: str) -> int:
    """The length of the common prefix, by bisection: comparing slices is fast."""
    return _longest(min(len(one), len(other)), lambda n: one[:n] == other[:n])


def _common_suffix(one: str, other: str) -> int:
    return _longest(
        min(len(one), len(other)), lambda n: one[len(one) - n :] == other[len(other) - n :]
    )


def _longest(limit: int, agree: Callable[[int], bool]) -> int:
    """The largest length up to `limit` at which the texts still agree."""
    return bisect_left(range(1, limit + 1), True, key=lambda length: not agree(length))
