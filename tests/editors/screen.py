"""The frames that an editor draws: each is whole, as it is flushed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """The cells of each row with the id of their highlighting, and the position of the cursor."""

    rows: tuple[tuple[tuple[str, int], ...], ...]
    cursor: tuple[int, int]

    def join_row(self, row: int) -> str:
        return "".join(text for text, _ in self.rows[row]).rstrip()


class Screen:
    """The cells of one grid, and each flushed frame since `clear_frames`."""

    def __init__(self) -> None:
        self._rows: list[list[tuple[str, int]]] = []
        self._cursor = (0, 0)
        self._groups: dict[int, set[str]] = {}
        self.flushed: list[Frame] = []

    def clear_frames(self) -> None:
        self.flushed.clear()

    def list_row_texts(self, row: int) -> list[str]:
        """Return the text of a row in each frame."""
        return [frame.join_row(row) for frame in self.flushed]

    def list_cursor_columns(self, row: int) -> list[int]:
        """Return the column of the cursor in each frame where it is in this row."""
        return [frame.cursor[1] for frame in self.flushed if frame.cursor[0] == row]

    def get_groups(self, highlighting: int) -> set[str]:
        """Return the names of the highlight groups with this id."""
        return self._groups.get(highlighting, set())

    def apply_events(self, events: list[Any]) -> None:
        """Apply one notification of Neovim's user interface protocol."""
        for name, *calls in events:
            for arguments in calls:
                if handler := getattr(self, f"_{name}", None):
                    handler(*arguments)

    def _grid_resize(self, grid: int, width: int, height: int) -> None:
        self._rows = [[(" ", 0)] * width for _ in range(height)]

    def _grid_clear(self, grid: int) -> None:
        self._rows = [[(" ", 0)] * len(row) for row in self._rows]

    def _grid_line(self, grid: int, row: int, column: int, cells: list[Any], wrap: bool) -> None:
        highlighting = 0
        for text, *more in cells:
            highlighting = more[0] if more else highlighting
            for _ in range(more[1] if len(more) > 1 else 1):
                self._rows[row][column] = text, highlighting
                column += 1

    def _grid_scroll(
        self, grid: int, top: int, bottom: int, left: int, right: int, rows: int, columns: int
    ) -> None:
        moved = {row - rows: self._rows[row][left:right] for row in range(top, bottom)}
        for row, cells in moved.items():
            if top <= row < bottom:
                self._rows[row][left:right] = cells

    def _grid_cursor_goto(self, grid: int, row: int, column: int) -> None:
        self._cursor = (row, column)

    def _hl_attr_define(self, id: int, rgb: Any, cterm: Any, info: list[dict[str, Any]]) -> None:
        self._groups[id] = {str(part.get("hi_name", "")) for part in info}

    def _flush(self) -> None:
        self.flushed.append(Frame(tuple(tuple(row) for row in self._rows), self._cursor))
