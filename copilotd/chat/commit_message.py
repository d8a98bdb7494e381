"""A commit message for a difference."""

import re

from copilotd.chat.code_fence import fenced
from copilotd.chat.service import ChatRequest
from copilotd.engine.types import Sampling
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import Message

LIMIT = 6000
"""Characters of a difference that are read: about ten seconds' worth on a slow CPU."""
_LEAST_SHARE = 200

_ASKED = (
    "Write the commit message for this change: one line of at most 72 characters in the imperative"
    " mood that says what it does. Answer with that line only."
)
_MAX_TOKENS = 80
_FILE = re.compile(r"^(?=diff --git )", re.MULTILINE)
_WRAPPED = re.compile(r"\A(?P<mark>[\"'`*]+)(?P<inside>.*?)(?P=mark)\Z", re.DOTALL)


def asked_of(diff: str) -> ChatRequest:
    """The conversation that is answered with the message.

    Raises: InvalidRequest for an empty difference.
    """
    if not diff.strip():
        raise InvalidRequest("there is no change to describe", "Stage or change something first.")
    question = f"{fenced(_within(diff), 'diff')}\n\n{_ASKED}"
    return ChatRequest(
        (Message("user", question),), max_tokens=_MAX_TOKENS, sampling=Sampling(), stop=("\n",)
    )


def bare(message: str) -> str:
    """The message without quotation marks or the like around it."""
    text = message.strip()
    found = _WRAPPED.match(text)
    return found["inside"].strip() if found else text


def _within(diff: str) -> str:
    """About `LIMIT` characters: the same share of each file, as far as there are enough."""
    files = _FILE.split(diff.strip())
    parts = [part for part in files if part][: LIMIT // _LEAST_SHARE]
    return "\n".join(_cut(part.rstrip(), LIMIT // len(parts)) for part in parts)


def _cut(part: str, share: int) -> str:
    if len(part) <= share:
        return part
    return part[:share].rpartition("\n")[0] + "\n[more lines of this file]"
