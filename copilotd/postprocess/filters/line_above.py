"""The model must not write again what stands directly above the cursor."""

from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.lines import Line, is_trivial, lines_of, opens_block, width

_COMPARED = 6
"""Lines above the cursor that are looked at."""


def apply(scene: Scene, draft: Draft) -> Draft:
    """Remove repeated lines that open a block; drop a text that only repeats the line above."""
    if not scene.at_line_start or scene.line_after.strip():
        return draft
    lines = lines_of(draft.text, scene.line_before)
    count = _repeated(scene, lines)
    repeated = lines[:count]
    if not repeated or all(is_trivial(line.text) for line in repeated):
        return draft
    if count == len(lines):
        same = width(lines[0].text) == width(_near(scene)[-count])
        return draft.with_text("") if same else draft
    if any(opens_block(line.text) for line in repeated):
        return draft.with_text(draft.text[repeated[-1].cut_after + 1 :])
    return draft


def _repeated(scene: Scene, lines: list[Line]) -> int:
    """How many lines at the start of the text are the last lines above the cursor."""
    above = [line.strip() for line in _near(scene)]
    texts = [line.text.strip() for line in lines]
    for count in range(min(len(lines), len(above)), 0, -1):
        if texts[:count] == above[-count:]:
            return count
    return 0


def _near(scene: Scene) -> list[str]:
    return [line for line in scene.lines_above[-2 * _COMPARED :] if line.strip()][-_COMPARED:]
