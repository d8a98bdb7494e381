"""What was evaluated of a file with an earlier cursor, before the cursor comes to a hole."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.fim_layouts.holes import Hole
from copilotd.documents import Document


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor in a version of a file."""

    document: Document
    offset: int


def place_at_hole(hole: Hole) -> Place:
    """The cursor in the hole; the rest of its line is missing."""
    before = hole.before + hole.left
    return Place(_create_document(before + hole.after), len(before))


def move_down(lines: int) -> Callable[[Hole], list[Place]]:
    """The cursor comes from the end of a line `lines` above (below, if negative)."""

    def places(hole: Hole) -> list[Place]:
        here = place_at_hole(hole)
        text, at = here.document.text, here.offset
        for _ in range(abs(lines)):
            at = text.rfind("\n", 0, at) if lines > 0 else text.find("\n", at + 1)
            if at < 0:
                return []
        return [Place(here.document, at)]

    return places


def type_lines(steps: int, lines: int) -> Callable[[Hole], list[Place]]:
    """The text above is typed `lines` lines at a time, with a suggestion after each time."""

    def places(hole: Hole) -> list[Place]:
        above = hole.before.split("\n")[:-1]
        if len(above) <= steps * lines:
            return []
        befores = ["\n".join(above[: len(above) - n * lines]) for n in range(steps, 0, -1)]
        return [Place(_create_document(before + hole.after), len(before)) for before in befores]

    return places


MOVES: dict[str, Callable[[Hole], list[Place]]] = {
    "1 down": move_down(1),
    "1 up": move_down(-1),
    "5 down": move_down(5),
    "5 up": move_down(-5),
    "20 down": move_down(20),
    "20 up": move_down(-20),
    "16 lines typed, 2 at a time": type_lines(8, 2),
}


def _create_document(text: str) -> Document:
    return Document("file:///hole.py", text, "python")
