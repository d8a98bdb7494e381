"""Instruct models write text around code: fences, "Here is the code:", explanations."""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import MARKUP, PROSE
from copilotd.syntax.nesting import scan_nesting

_FENCE = "```"
_TILDES = re.compile(r"^[ \t]*~{3,}", re.MULTILINE)
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


def lead(context: CursorContext, text: str) -> int | None:
    """The length of the opening fence with the sentence before it.

    None while the text so far may still become one.
    """
    if _is_exempt(context):
        return 0
    if opening := _OPENING.match(text):
        return opening.end()
    begun = text.lstrip()
    possible = begun[:1] == "`" or (begun and context.at_line_start)
    return None if possible and _MAY_OPEN.match(text) else 0


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before a fence, or before a blank line that an explanation follows."""
    if _is_exempt(context):
        return None
    places = [text.find(_FENCE)]
    if tildes := _TILDES.search(text):
        places.append(tildes.start())
    # Markup has sentences between its tags.
    if context.language not in MARKUP and (explanation := _EXPLANATION.search(text)):
        places.append(explanation.start())
    for place in sorted(place for place in places if place >= 0):
        if not scan_nesting(context.nesting.due, text[:place], context.language).in_region:
            return place
    return None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove the opening fence with the sentence before it, and all from the closing fence on."""
    if _is_exempt(context):
        return candidate
    text = candidate.text[lead(context, candidate.text) or 0 :]
    said = _PREAMBLE_ALONE.match(text)
    if said and context.at_line_start and not context.nesting.in_region:
        text = text if context.language in MARKUP else text[said.end() :]
    return candidate.with_text(text[: truncate_at(context, text)])


def _is_exempt(context: CursorContext) -> bool:
    # A document that already has fences may get one more.
    return context.language in PROSE or _FENCE in context.document.text
