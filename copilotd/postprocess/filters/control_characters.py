"""Control characters break editors: some lose a whole message over one U+0000."""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.lines import unify_line_ends

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove control characters except tab and newline; CR LF and CR become a newline."""
    # A CR at the end is half of a line end.
    text = unify_line_ends(candidate.text.replace("\r\n", "\n").removesuffix("\r"))
    return candidate.with_text(_CONTROL.sub("", text))
