"""The conflicts that a merge leaves in a file, between lines of seven `<` and seven `>`."""

import re
from dataclasses import dataclass

_REACH = 50_000
"""Characters on each side of a place that are searched for the ends of a conflict."""
_BEGIN, _END = "<<<<<<<", ">>>>>>>"
_MARKER = re.compile(r"(?:<{7}|\|{7}|={7}|>{7})(?: .*)?")
_UNMISTAKABLE = re.compile(r"(?:<{7}|\|{7}|>{7})(?: .*)?\r?$", re.MULTILINE)


def is_marker(line: str) -> bool:
    """Whether the line separates the sides of a conflict. A line of `=` may be a heading."""
    return _MARKER.fullmatch(line.rstrip("\r\n")) is not None


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """A place in a conflict.

    `other_lines` are the lines of the sides where the place is not. If the place is on a marker
    line, it is on no side.
    """

    on_marker: bool
    other_lines: tuple[str, ...] = ()


def find_conflict(text: str, offset: int) -> MergeConflict | None:
    """The conflict around `offset`; None if there is none."""
    line_start = text.rfind("\n", 0, offset) + 1
    if _is_unmistakable(text, line_start):
        return MergeConflict(on_marker=True)
    begin, end = _begin(text, line_start), _end(text, offset)
    if begin < 0 or end < 0:
        return None
    lines = text[begin:end].split("\n")
    number = text.count("\n", begin, line_start)
    if is_marker(lines[number]):
        return MergeConflict(on_marker=True)
    return MergeConflict(on_marker=False, other_lines=_other_lines(lines, number))


def _is_unmistakable(text: str, line_start: int) -> bool:
    """Whether the line is a marker even if the rest of its conflict is gone."""
    return _UNMISTAKABLE.match(text, line_start) is not None


def _begin(text: str, line_start: int) -> int:
    """The start of the conflict that is open in front of a line; -1 if none is."""
    lowest = max(0, line_start - _REACH)
    begin = _rfind_line(text, _BEGIN, lowest, line_start)
    return begin if begin > _rfind_line(text, _END, lowest, line_start) else -1


def _end(text: str, offset: int) -> int:
    """The start of the line that ends the conflict around `offset`; -1 if there is none."""
    highest = offset + _REACH
    end, begin = (text.find("\n" + mark, offset, highest) for mark in (_END, _BEGIN))
    return -1 if 0 <= begin < end else end


def _rfind_line(text: str, mark: str, lowest: int, end: int) -> int:
    found = text.rfind("\n" + mark, lowest, end)
    if found >= 0:
        return found + 1
    return 0 if lowest == 0 and end > 0 and text.startswith(mark) else -1


def _other_lines(lines: list[str], number: int) -> tuple[str, ...]:
    """The lines of all sides but the one with the line `number`."""
    sides: list[list[str]] = []
    own: list[str] = []
    for index, line in enumerate(lines):
        if is_marker(line):
            sides.append([])
        else:
            sides[-1].append(line)
        if index == number:
            own = sides[-1]
    return tuple(line for side in sides if side is not own for line in side)
