"""What a user says in an editor, as the messages that the model reads.

A turn carries the code it is about word for word, so that the same conversation always gives the
same prompt: what was read for the turn before is not read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from copilotd.chat.code_fence import fenced


class Command(StrEnum):
    """What a chat can be asked to do with code."""

    EXPLAIN = "explain"
    FIX = "fix"
    TESTS = "tests"
    DOC = "doc"


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of a file; `line` is the number of its first line, from 0."""

    text: str
    path: str = ""
    language: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation; `diagnostics` are what the editor reports on the code."""

    role: str
    content: str = ""
    command: Command | None = None
    code: Code | None = None
    diagnostics: tuple[str, ...] = ()


_ASKED = {
    Command.EXPLAIN: "Explain what this code does and how it does it. Be brief.",
    Command.FIX: "Say in a sentence or two what is wrong with this code, then give it corrected.",
    Command.TESTS: "Write tests for this code, with the usual test framework of its language.",
    Command.DOC: "Give this code with documentation, as is usual in its language; change no more.",
}


def text(turn: Turn) -> str:
    """What the model reads of it."""
    parts = (
        _shown(turn.code) if turn.code else "",
        reported(turn.diagnostics),
        _ASKED[turn.command] if turn.command else "",
        turn.content,
    )
    return "\n\n".join(part for part in parts if part)


def _shown(code: Code) -> str:
    last = code.line + max(1, len(code.text.splitlines()))
    title = f"`{code.path}`, lines {code.line + 1} to {last}:\n\n" if code.path else ""
    return title + fenced(code.text, code.language)


def reported(diagnostics: Sequence[str]) -> str:
    """The editor's diagnostics as a list; empty if there are none."""
    if not diagnostics:
        return ""
    return "The editor reports:\n" + "\n".join(f"- {one}" for one in diagnostics)
