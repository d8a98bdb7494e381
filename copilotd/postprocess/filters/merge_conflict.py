"""In a merge conflict, the text stays on its side and does not repeat another side."""

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.lines import split_lines
from copilotd.syntax.merge_conflicts import find_conflict, is_marker


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before its first line that is a marker, or that stands on another side."""
    conflict = find_conflict(context.document.text, context.offset)
    if conflict is None:
        return None
    others = {line.strip() for line in conflict.other_lines if any(map(str.isalnum, line))}
    for line in split_lines(text, context.line_before):
        if line.complete and (is_marker(line.text) or line.text.strip() in others):
            return line.cut_before
    return None
