"""Functions of Python's standard library, which benchmarks type again into their own files."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass

FILE_LINES = 500
NAMES = (
    "textwrap.TextWrapper._handle_long_word",
    "pprint.PrettyPrinter._format_dict_items",
    "tempfile.mkdtemp",
    "heapq.nsmallest",
)


@dataclass(frozen=True, slots=True)
class Keystroke:
    """The text on both sides of the cursor after a key, and the missing rest of its line."""

    before: str
    after: str
    rest: str


@dataclass(frozen=True, slots=True)
class Function:
    """A file without the body of one function, which is typed between the two parts."""

    name: str
    before: str
    body: str
    after: str

    def keystrokes(self, most: int) -> Iterator[Keystroke]:
        """The first `most` keys; a newline brings the indentation of the new line."""
        typed, keys = 0, 0
        while keys < most and typed < len(self.body):
            typed += 1
            if self.body[typed - 1] == "\n":
                typed += len(self.body[typed:]) - len(self.body[typed:].lstrip(" "))
            keys += 1
            rest = self.body[typed:].partition("\n")[0]
            yield Keystroke(self.before + self.body[:typed], self.after, rest)


def load_function(name: str) -> Function:
    """A function with about 500 lines of its file, itself in the middle if the file is longer."""
    module = importlib.import_module(name.partition(".")[0])
    lines = inspect.getsource(module).splitlines(keepends=True)
    node = _find_definition(ast.parse("".join(lines)), name.split(".")[1:])
    has_docstring = ast.get_docstring(node) is not None
    first, last = node.body[has_docstring].lineno - 1, node.end_lineno or 0
    top = max(0, min((first + last - FILE_LINES) // 2, len(lines) - FILE_LINES))
    body = "".join(lines[first:last])
    indent = len(body) - len(body.lstrip(" "))
    before = "".join(lines[top:first]) + body[:indent]
    after = "\n" + "".join(lines[last : top + FILE_LINES])
    return Function(name, before, body[indent:].rstrip("\n"), after)


def _find_definition(tree: ast.Module, path: list[str]) -> ast.FunctionDef:
    """The function at `path` in the module's classes."""
    node: ast.AST = tree
    for name in path:
        named = (
            child for child in ast.iter_child_nodes(node) if getattr(child, "name", "") == name
        )
        node = next(named)
    if not isinstance(node, ast.FunctionDef):
        raise TypeError(f"{'.'.join(path)} is not a function")
    return node
