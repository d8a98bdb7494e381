"""Commit messages for a diff."""

import re

from copilotd.chat.code_fence import fence
from copilotd.chat.service import ChatRequest
from copilotd.engine.types import Sampling
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import UserMessage

MAX_DIFF_LENGTH = 6000
"""Characters of the diff that the model reads: about ten seconds of prefill on a slow CPU."""
_MIN_FILE_LENGTH = 200
"""Minimum number of characters of each file's diff; if not all files fit, the last ones are left
out."""

_INSTRUCTION = (
    "Write the commit message for this change: one line of at most 72 characters in the imperative"
    " mood that says what it does. Answer with that line only."
)
_MAX_TOKENS = 80
_FILE_START = re.compile(r"^(?=diff --git )", re.MULTILINE)
_QUOTED = re.compile(r"\A(?P<mark>[\"'`*]+)(?P<inside>.*?)(?P=mark)\Z", re.DOTALL)


def build_request(diff: str) -> ChatRequest:
    """Build the conversation whose answer is the message.

    Raises: InvalidRequest if the diff is empty.
    """
    if not diff.strip():
        raise InvalidRequest("there is no change to describe", "Stage or change something first.")
    question = f"{fence(_truncate_diff(diff), 'diff')}\n\n{_INSTRUCTION}"
    return ChatRequest(
        (UserMessage(question),), max_tokens=_MAX_TOKENS, sampling=Sampling(), stop=("\n",)
    )


def strip_quotes(message: str) -> str:
    """Return the message without the quotation marks or emphasis around it."""
    text = message.strip()
    quoted = _QUOTED.match(text)
    return quoted["inside"].strip() if quoted else text


def _truncate_diff(diff: str) -> str:
    """Return about MAX_DIFF_LENGTH characters, with an equal share for each file."""
    parts = [part for part in _FILE_START.split(diff.strip()) if part]
    parts = parts[: MAX_DIFF_LENGTH // _MIN_FILE_LENGTH]
    return "\n".join(_truncate_file(part.rstrip(), MAX_DIFF_LENGTH // len(parts)) for part in parts)


def _truncate_file(part: str, max_length: int) -> str:
    if len(part) <= max_length:
        return part
    return part[:max_length].rpartition("\n")[0] + "\n[more lines of this file]"
