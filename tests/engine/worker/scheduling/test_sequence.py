"""Only the methods of `Sequence` change the state of a generation."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from copilotd.engine.worker import scheduling
from copilotd.engine.worker.scheduling.sequence import Sequence

SCHEDULING = Path(scheduling.__path__[0])
STATE = {field.name for field in fields(Sequence)}
MUTATORS = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort", "update"}


def test_no_module_but_sequence_assigns_the_attributes_of_a_sequence() -> None:
    assert [
        f"{path.parent.name}/{path.name}:{line} changes {name}"
        for path in sorted(SCHEDULING.parent.rglob("*.py"))
        if path != SCHEDULING / "sequence.py"
        for line, name in find_changes(path.read_text(encoding="utf-8"))
    ] == []


def test_every_way_to_change_a_sequence_is_found() -> None:
    source = """
sequence.status = FINISHED
item.sequence.n_cached += 3
sequence.slot, other = None, 1
sequence.tokens[2:] = []
del sequence.tokens[5]
sequence.tokens.append(7)
waiting.tokens, waiting.slot
self.slot = 5
"""
    assert list(find_changes(source)) == [
        (2, "status"),
        (3, "n_cached"),
        (4, "slot"),
        (5, "tokens"),
        (6, "tokens"),
        (7, "tokens"),
    ]


def find_changes(source: str) -> Iterator[tuple[int, str]]:
    """The line and the attribute of every change of a sequence's state; `self` is left out.

    A class may have attributes of the same names, which are its own. Slots have tokens too, which
    belong to the pool.
    """
    for node in ast.walk(ast.parse(source)):
        for target in find_targets(node):
            if isinstance(target, ast.Attribute) and target.attr in STATE:
                if ast.unparse(target.value) not in ("self", "slot", "self.slot"):
                    yield target.lineno, target.attr


def find_targets(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement or a call changes, without its indices."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        targets = [node.func.value] if node.func.attr in MUTATORS else []
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            yield part.value if isinstance(part, ast.Subscript) else part
