"""A line that closes a block (`}`, `});`, `end`) is not written where it already stands below."""

from copilotd.postprocess.block import block_at
from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.lines import Line, begins_with_closer, is_trivial, lines_of, width
from copilotd.syntax.nesting import nest


def apply(scene: Scene, draft: Draft) -> Draft:
    """Cut closing lines at the end that are the next lines below, if they close the cursor's block.

    Lines that close what the text itself opened stay.
    """
    if scene.line_after.strip():
        return draft
    lines = lines_of(draft.text, scene.line_before)
    if not scene.at_line_start:
        # A closer that is begun is wanted.
        lines = [line for line in lines if line.start > 0]
    for count in range(min(len(lines), len(scene.below)), 0, -1):
        tail = lines[-count:]
        if _are_below(scene, tail) and _close_outer(scene, draft.text, tail[0]):
            return draft.with_text(draft.text[: tail[0].cut_before])
    return draft


def _are_below(scene: Scene, tail: list[Line]) -> bool:
    return all(
        line.text.strip() == other.strip()
        and width(line.text) == width(other)
        and is_trivial(line.text)
        and begins_with_closer(line.text, scene.language)
        for line, other in zip(tail, scene.below, strict=False)
    )


def _close_outer(scene: Scene, text: str, line: Line) -> bool:
    if width(line.text) < block_at(scene, text).base:
        return True
    own = nest((), text[: max(line.start, 0)], scene.language)
    return not own.due and bool(nest((), line.text, scene.language).extra)
