"""What instruct models say around code: markdown fences, "Here is the code:", explanations."""

import re

from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.languages import MARKUP, PROSE
from copilotd.syntax.nesting import nest

_FENCE = "```"
_PREAMBLE = (
    r"(?:Sure|Certainly|Of course|Here(?:'s| is| are)|To (?:complete|implement)|"
    r"The (?:completed|missing|following|updated))\b[^\n`]{0,200}"
)
_OPENING = re.compile(rf"\s*(?:{_PREAMBLE}:?[ \t]*\r?\n\s*)?```[\w+#.-]*[ \t]*\r?\n")
_PREAMBLE_ALONE = re.compile(rf"\s*{_PREAMBLE}[:.!][ \t]*\r?(?:\n|$)")
_MAY_OPEN = re.compile(rf"\s*(?:{_PREAMBLE}:?[ \t]*(?:\r?\n\s*)?)?(?:`{{1,3}}[\w+#.-]*[ \t\r]*)?$")
_EXPLANATION = re.compile(
    r"\n[ \t]*\r?\n(?=(?:Explanation|Note|Output|In this|In the above|This (?:code|function|"
    r"program|method|script|will|is|class|solution|implementation)|The (?:code|function|above|"
    r"method|output)|You can|Please|I hope|Let me know|Hope this|However,|Here(?:'s| is))\b"
    r"[^\n(){}=;]*[:.,!]?[ \t]*\r?(?:\n|$))"
)


def lead(scene: Scene, text: str) -> int | None:
    """The length of the opening fence, and of what is said before it.

    Nothing while the text so far may still become one.
    """
    if _exempt(scene):
        return 0
    if opening := _OPENING.match(text):
        return opening.end()
    begun = text.lstrip()
    possible = begun[:1] == "`" or (begun and scene.at_line_start)
    return None if possible and _MAY_OPEN.match(text) else 0


def stop(scene: Scene, text: str) -> int | None:
    """Keep what stands before a fence, or before a blank line with an explanation after it."""
    if _exempt(scene):
        return None
    places = [text.find(_FENCE)]
    # Between tags, sentences are what one writes.
    if scene.language not in MARKUP and (explanation := _EXPLANATION.search(text)):
        places.append(explanation.start())
    for place in sorted(place for place in places if place >= 0):
        if not nest(scene.nesting.due, text[:place], scene.language).in_region:
            return place
    return None


def apply(scene: Scene, draft: Draft) -> Draft:
    """Leave out the opening fence with what is said before it, and all from the closing one."""
    if _exempt(scene):
        return draft
    text = draft.text[lead(scene, draft.text) or 0 :]
    said = _PREAMBLE_ALONE.match(text)
    if said and scene.at_line_start and not scene.nesting.in_region:
        text = text if scene.language in MARKUP else text[said.end() :]
    return draft.with_text(text[: stop(scene, text)])


def _exempt(scene: Scene) -> bool:
    # Where the document has fences of its own, one more is no chatter.
    return scene.language in PROSE or _FENCE in scene.document.text
