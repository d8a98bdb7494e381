"""Characters that no editor should be sent: U+0000 loses a whole message in some of them."""

import re

from copilotd.postprocess.context import Candidate, CursorContext

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove control characters other than tab and newline; line ends become newlines."""
    return candidate.with_text(_CONTROL.sub("", candidate.text.replace("\r\n", "\n")))
