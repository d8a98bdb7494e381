"""In the middle of a line, and in a statement under way, one line is wanted."""

from copilotd.postprocess.context import Mode, Scene


def stop(scene: Scene, text: str) -> int | None:
    """Keep the first line that is not blank; with code behind the cursor, the cursor's line."""
    if scene.mode is not Mode.LINE:
        return None
    blank = 0 if scene.line_after.strip() else len(text) - len(text.lstrip())
    end = text.find("\n", blank)
    return None if end < 0 else end
