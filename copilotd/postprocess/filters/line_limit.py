"""A completion is no longer than a user reads at a glance."""

from copilotd.postprocess.context import CursorContext


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep `max_lines` lines; blank ones before the first do not count."""
    end = len(text) - len(text.lstrip())
    for _ in range(context.max_lines):
        end = text.find("\n", end + 1)
        if end < 0:
            return None
    return end
