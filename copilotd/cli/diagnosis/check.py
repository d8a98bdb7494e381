"""The result of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The verdict of a check."""

    OK = "ok"
    NOTE = "note"
    """It works, but could be better."""
    BROKEN = "broken"
    """Something that copilotd needs does not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the diagnosis; `next` is the next step, if there is one."""

    name: str
    verdict: Verdict
    detail: str
    next: str = ""


def ok(name: str, detail: str) -> Check:
    """Everything works."""
    return Check(name, Verdict.OK, detail)


def note(name: str, detail: str, next: str = "") -> Check:
    """A fact that is good to know."""
    return Check(name, Verdict.NOTE, detail, next)


def failure(name: str, detail: str, next: str) -> Check:
    """A failure; it always has a next step."""
    return Check(name, Verdict.BROKEN, detail, next)
