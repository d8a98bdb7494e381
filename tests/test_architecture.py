"""docs/ARCHITECTURE.md names files, classes and functions that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
CODE = re.sub(r"(?s)```.*?```", "", PAGE)
PLACEHOLDERS = ("DIALECT", "NAME")
FOUND = set(re.findall(r"`([\w/]+(?:\.\w+|/))(?:::([\w.]+))?`", CODE))
PATHS = sorted(found for found in FOUND if not any(word in found[0] for word in PLACEHOLDERS))


EVERYTHING = [path for path in (ROOT / "copilotd").rglob("*") if "__pycache__" not in path.parts]


def find(path: str) -> Path | None:
    """A path of the checkout, of the package, or inside a folder that was named before it."""
    whole = ROOT / path
    parts = tuple(path.strip("/").split("/"))
    inside = (place for place in EVERYTHING if place.parts[-len(parts) :] == parts)
    return whole if whole.exists() else next(inside, None)


def names(path: Path) -> set[str]:
    """The functions and classes of a module, and the methods of its classes."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (ast.FunctionDef, ast.AsyncFunctionDef)
            found |= {f"{node.name}.{m.name}" for m in node.body if isinstance(m, methods)}
    return found


@pytest.mark.parametrize(("path", "name"), PATHS)
def test_what_the_page_names_exists(path: str, name: str) -> None:
    found = find(path)
    assert found is not None, f"{path} does not exist"
    assert not name or name in names(found)


def test_every_package_is_on_the_page() -> None:
    packages = {p.parent.name for p in (ROOT / "copilotd").glob("*/__init__.py")}
    assert {name for name in packages if f"`{name}/`" not in PAGE} == set()
