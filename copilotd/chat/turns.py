"""Renders what a user says in an editor as the message that the model reads.

A turn carries its code word for word, so the same conversation always gives the same prompt, and
the KV cache of the turn before can be reused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from copilotd.chat.code_fence import fence


class Command(StrEnum):
    """The commands of a chat that act on code."""

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
    """A user's turn; `diagnostics` are the editor's messages about the code."""

    content: str = ""
    command: Command | None = None
    code: Code | None = None
    diagnostics: tuple[str, ...] = ()


_INSTRUCTIONS = {
    Command.EXPLAIN: "Explain what this code does and how it does it. Be brief.",
    Command.FIX: "Say in a sentence or two what is wrong with this code, then give it corrected.",
    Command.TESTS: "Write tests for this code, with the usual test framework of its language.",
    Command.DOC: "Give this code with documentation, as is usual in its language; change no more.",
}


def render_turn(turn: Turn) -> str:
    """Return the message for the model: code, diagnostics, command, and the user's words."""
    parts = (
        _render_code(turn.code) if turn.code else "",
        render_diagnostics(turn.diagnostics),
        _INSTRUCTIONS[turn.command] if turn.command else "",
        turn.content,
    )
    return "\n\n".join(part for part in parts if part)


def _render_code(code: Code) -> str:
    last_line = code.line + max(1, len(code.text.splitlines()))
    title = f"`{code.path}`, lines {code.line + 1} to {last_line}:\n\n" if code.path else ""
    return title + fence(code.text, code.language)


def render_diagnostics(diagnostics: Sequence[str]) -> str:
    """Return the diagnostics as a list; empty if there are none."""
    if not diagnostics:
        return ""
    return "The editor reports:\n" + "\n".join(f"- {one}" for one in diagnostics)
