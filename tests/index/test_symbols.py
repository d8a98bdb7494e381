"""The symbols that a file defines."""

from pathlib import Path

import pytest

from copilotd.index.symbols import find_symbols


@pytest.mark.parametrize(
    ("file", "text", "symbols"),
    [
        ("a.py", "class A(B):\n    async def f(self):\n        x = 1\n", ["class A", "def f"]),
        (
            "a.ts",
            "export interface A {}\nexport const f = async (x: number) => x;\nconst y = 1;\n"
            "export default class B extends C {\n  m() {}\n}\n",
            ["interface A", "const f", "class B"],
        ),
        ("a.go", "type A struct {\n}\nfunc (a *A) Run() error {\n", ["type A", "func Run"]),
        (
            "a.rs",
            "pub(crate) async fn run<T>() {}\nimpl A {\n    pub fn new() -> Self {\nenum E {}\n",
            ["fn run", "fn new", "enum E"],
        ),
        (
            "a.cpp",
            "namespace n {\nclass A {\nint A::size() const {\n  return f(x);\n}\nint g(int);\n",
            ["namespace n", "class A", "function A::size"],
        ),
        (
            "A.java",
            "public final class A {\n  private static int size(int x) {\n    return f(x);\n",
            ["class A", "function size"],
        ),
        ("a.lua", "local function f()\nfunction M.g(x)\n", ["function f", "function M.g"]),
        ("a.sh", "build() {\nfunction clean {\n", ["function build", "function clean"]),
        ("a.rb", "module M\n  def self.f?\n", ["module M", "def self.f?"]),
        ("Rakefile", "def f\n", ["def f"]),
        ("deploy", "#!/bin/bash\nbuild() {\n", ["function build"]),
        ("a.txt", "def f\n", []),
        ("a.py", f"def {'f' * 600}():\n", []),
    ],
)
def test_definitions_are_found_in_every_language(file: str, text: str, symbols: list[str]) -> None:
    assert [f"{s.kind} {s.name}" for s in find_symbols(Path(file), text)] == symbols
