"""How llama.vim prepares an answer before it shows it: it drops text that is already there."""

from benchmarks.recording.buffer import Buffer


def render_suggestion(buffer: Buffer, content: str) -> list[str]:
    """The lines to show at the cursor; empty if they are blank.

    The last line includes the rest of the line of the cursor.
    """
    shown = content.rstrip("\n").split("\n")
    lines = buffer.text.split("\n")
    at, character = buffer.position(buffer.cursor)
    current = lines[at]
    if not current.strip():
        # The answer starts at column 0, and the cursor may be further right.
        lead = min(len(shown[0]) - len(shown[0].lstrip()), len(current))
        current, shown[0] = shown[0][:lead], shown[0][lead:]
    before, behind = current[:character], current[character:]
    if _repeats_text(lines, at, before, behind, shown):
        return []
    shown[-1] += behind
    return shown if "".join(shown).strip() else []


def _repeats_text(lines: list[str], at: int, before: str, behind: str, shown: list[str]) -> bool:
    """Whether `shown` repeats the rest of the line, or the lines that follow."""
    if shown == [behind] or (
        len(shown) > 1 and not shown[0] and _matches_lines(lines, at + 1, shown[1:])
    ):
        return True
    filled = (number for number in range(at + 1, len(lines)) if lines[number].strip())
    next_filled = next(filled, len(lines) - 1)
    if not _matches_lines(lines, next_filled, [before + shown[0]]):
        return False
    if len(shown) == 2:
        return "".join(lines[next_filled + 1 : next_filled + 2]).startswith(shown[1])
    return _matches_lines(lines, next_filled + 1, shown[1:])


def _matches_lines(lines: list[str], at: int, expected: list[str]) -> bool:
    return lines[at : at + len(expected)] == expected
