"""Ten small programs with a hole, and the line that belongs there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hole:
    """`line` is the cursor's whole line once the completion is accepted; spaces do not count."""

    language: str
    marked: str
    line: str


HOLES = (
    Hole(
        "python",
        "def is_even(n):\n    return ║\n\n\ndef is_odd(n):\n    return not is_even(n)\n",
        "return n % 2 == 0",
    ),
    Hole(
        "python",
        "class Stack:\n    def __init__(self):\n        self.items = []\n\n"
        "    def push(self, item):\n        self.items.║\n\n"
        "    def pop(self):\n        return self.items.pop()\n",
        "self.items.append(item)",
    ),
    Hole(
        "javascript",
        "function sum(numbers) {\n  let total = 0;\n  for (const n of numbers) {\n    ║\n  }\n"
        "  return total;\n}\n",
        "total += n;",
    ),
    Hole(
        "typescript",
        "const numbers: number[] = [1, 2, 3, 4];\n"
        "const even = numbers.filter((n) => n % 2 ║ 0);\nconsole.log(even);\n",
        "const even = numbers.filter((n) => n % 2 === 0);",
    ),
    Hole(
        "go",
        "package main\n\nfunc Max(a, b int) int {\n\tif a > b {\n\t\treturn ║\n\t}\n"
        "\treturn b\n}\n",
        "return a",
    ),
    Hole(
        "rust",
        "struct Rectangle {\n    width: u32,\n    height: u32,\n}\n\nimpl Rectangle {\n"
        "    fn area(&self) -> u32 {\n        ║\n    }\n}\n",
        "self.width * self.height",
    ),
    Hole(
        "c",
        "int length(const char *s) {\n    int n = 0;\n    while (s[n] != ║) {\n"
        "        n++;\n    }\n    return n;\n}\n",
        "while (s[n] != '\\0') {",
    ),
    Hole(
        "java",
        "public class Counter {\n    private int count = 0;\n\n    public void increment() {\n"
        "        ║\n    }\n\n    public int getCount() {\n        return count;\n    }\n}\n",
        "count++;",
    ),
    Hole(
        "python",
        "def factorial(n):\n    if n == 0:\n        return 1\n    return n * ║\n\n\n"
        "print(factorial(5))\n",
        "return n * factorial(n - 1)",
    ),
    Hole(
        "python",
        "import json\n\n\ndef load(path):\n    with open(path) as f:\n        return ║\n\n\n"
        'settings = load("settings.json")\n',
        "return json.load(f)",
    ),
)
