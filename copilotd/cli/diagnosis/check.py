"""The result of one look."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a check found."""

    OK = "ok"
    NOTE = "note"
    """It works, and could be better."""
    BROKEN = "broken"
    """Something that copilotd is for does not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the diagnosis; `next` is the next step where there is one to take."""

    name: str
    verdict: Verdict
    detail: str
    next: str = ""


def ok(name: str, detail: str) -> Check:
    """All is well."""
    return Check(name, Verdict.OK, detail)


def note(name: str, detail: str, next: str = "") -> Check:
    """Good to know."""
    return Check(name, Verdict.NOTE, detail, next)


def broken(name: str, detail: str, next: str) -> Check:
    """A failure, always with the next step."""
    return Check(name, Verdict.BROKEN, detail, next)
