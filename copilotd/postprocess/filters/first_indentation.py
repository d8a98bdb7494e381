"""The first line is indented once: not again where the cursor already stands behind it."""

import re

from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.languages import STRICTLY_INDENTED
from copilotd.syntax.lines import indentation, indentation_step, opens_block, width
from copilotd.syntax.nesting import nest

_NEAR = 200
"""Lines on either side of the cursor that say how deep a block is indented."""

_BRANCH = re.compile(r"(elif|else|except|finally|of)\b")
"""What may stand under a header that has no body yet."""


def apply(scene: Scene, draft: Draft) -> Draft:
    """Take back indentation that is too much, or in strict languages too little.

    Where the line above does not say how deep the text must be, nothing is changed.
    """
    lead = indentation(draft.text)
    first = draft.text[len(lead) :]
    if not scene.at_line_start or not first.strip() or first[0] == "\n" or not _is_clear(scene):
        return draft
    cursor, wanted = width(scene.line_before), _wanted(scene)
    depth = width(scene.line_before + lead)
    if wanted is None or depth == wanted or _suits_next_line(scene, draft.text, depth):
        return draft
    if depth > wanted and lead == scene.line_before:
        return draft.with_text(first)
    if depth > wanted >= cursor and wanted in (cursor, width(lead)):
        return draft.with_text(lead[: wanted - cursor] + first)
    if cursor == 0 and not _BRANCH.match(first) and _is_impossible(scene, depth, wanted):
        return draft.with_text(_shifted(draft.text, wanted - depth))
    return draft


def _is_clear(scene: Scene) -> bool:
    """Whether the line above is the whole of a statement, or its end."""
    above = scene.line_above
    if not above or scene.nesting.in_region or above.lstrip()[:1] in ("#", "@"):
        return False
    return not (nest((), above, scene.language).extra or above.endswith("\\"))


def _wanted(scene: Scene) -> int | None:
    """The columns at which the text begins at most, as far as the line above decides that."""
    strict = scene.language in STRICTLY_INDENTED
    if strict and scene.nesting.due:
        return None
    above = scene.line_above.rstrip()
    if opens_block(above) and above[-1] not in "([":
        # The editor has indented the cursor's line: where nothing else tells the step, this does.
        own = width(scene.line_before) - width(above)
        return width(above) + indentation_step(_near(scene), own if own > 0 else 4)
    return width(above) if strict or above[-1] in ";}" else None


def _suits_next_line(scene: Scene, text: str, depth: int) -> bool:
    """Whether the document goes on just as deep, behind plain statements."""
    opens = any(opens_block(line) for line in text.split("\n"))
    return bool(scene.below) and width(scene.below[0]) == depth and not opens


def _is_impossible(scene: Scene, depth: int, wanted: int) -> bool:
    """Whether a strict language does not allow a statement at `depth` here."""
    if scene.language not in STRICTLY_INDENTED or "\t" in scene.document.text:
        return False
    return depth > wanted or (wanted > width(scene.line_above) == depth)


def _shifted(text: str, columns: int) -> str:
    lines = text.split("\n")
    if columns > 0:
        return "\n".join(" " * columns + line if line.strip() else line for line in lines)
    return "\n".join(line[min(-columns, width(line)) :] for line in lines)


def _near(scene: Scene) -> tuple[str, ...]:
    return scene.lines_above[-_NEAR:] + scene.lines_below[:_NEAR]
