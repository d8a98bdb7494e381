"""Characters that no editor should be sent: U+0000 loses a whole message in some of them."""

import re

from copilotd.postprocess.context import Draft, Scene

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


def apply(scene: Scene, draft: Draft) -> Draft:
    """Remove control characters other than tab and newline; line ends become newlines."""
    return draft.with_text(_CONTROL.sub("", draft.text.replace("\r\n", "\n")))
