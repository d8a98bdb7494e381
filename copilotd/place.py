"""Places in a text as people give them: line and column, from one."""


def offset(text: str, name: str, line: int, column: int | None = None) -> int:
    """The place in code points of `text`, which is called `name`; without `column`, a line's end.

    Raises:
        ValueError: there is no such place; it says which there are.
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        raise ValueError(f"{name} has lines 1 to {len(lines)}, not {line}")
    width = len(lines[line - 1].removesuffix("\r"))
    column = width + 1 if column is None else column
    if not 1 <= column <= width + 1:
        raise ValueError(f"line {line} of {name} has columns 1 to {width + 1}")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
