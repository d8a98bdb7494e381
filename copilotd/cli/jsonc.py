"""JSON with comments and trailing commas, as in VS Code's settings: read, and changed in place.

Only the member that changes is written anew; all else, comments included, stays as it stands.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/|[{}\[\],:]|[^\s{}\[\],:"/]+', re.DOTALL)
_INDENT = 4


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the outermost object: where its key begins, and where its value stands."""

    key: str
    start: int
    value_start: int
    value_end: int


def load(text: str) -> dict[str, Any]:
    """The object; that of an empty text is empty. Raises: ValueError if it is none."""
    tokens = [token.group() for token in _tokens(text)]
    kept = [
        token
        for at, token in enumerate(tokens)
        if token != "," or tokens[at + 1 : at + 2] not in (["}"], ["]"])
    ]
    value = json.loads("".join(kept) or "{}")
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def changed(text: str, key: str, value: object) -> str:
    """`text` with `value` under `key`; None takes the member away. Raises: ValueError."""
    load(text)
    found = next((member for member in _members(text) if member.key == key), None)
    if found is None:
        return text if value is None else _with_new(text, key, value)
    if value is None:
        return _without(text, found)
    return text[: found.value_start] + _written(value) + text[found.value_end :]


def _with_new(text: str, key: str, value: object) -> str:
    """The member is put first, where no comma can be missing before it."""
    if not text.strip():
        text = "{\n}\n"
    at = next(token.end() for token in _tokens(text) if token.group() == "{")
    comma = "," if _members(text) else ""
    end = "" if text[at:].lstrip(" \t").startswith("\n") else "\n"
    return (
        f"{text[:at]}\n{' ' * _INDENT}{json.dumps(key)}: {_written(value)}{comma}{end}{text[at:]}"
    )


def _without(text: str, member: Member) -> str:
    """Its line ends with it, and so does the comma behind it, or, of the last, that before it."""
    before, behind = text[: member.start].rstrip(), text[member.value_end :]
    if behind.lstrip().startswith(","):
        behind = behind.lstrip()[1:]
    else:
        before = before.removesuffix(",")
    return before + behind


def _written(value: object) -> str:
    return json.dumps(value, indent=_INDENT, ensure_ascii=False).replace("\n", "\n" + " " * _INDENT)


def _members(text: str) -> list[Member]:
    members: list[Member] = []
    tokens, depth = list(_tokens(text)), 0
    key: re.Match[str] | None = None
    first: re.Match[str] | None = None
    for before, token in pairwise(tokens):
        mark, depth = before.group(), depth + _deeper(before.group())
        if key and first and depth == 1 and token.group() in ",}":
            name = json.loads(key.group())
            members.append(Member(name, key.start(), first.start(), before.end()))
            key = first = None
        elif depth == 1 and key is None and token.group() == ":":
            key = before
        elif key and first is None and mark == ":":
            first = token
    return members


def _deeper(mark: str) -> int:
    return (mark in "{[") - (mark in "}]")


def _tokens(text: str) -> Iterator["re.Match[str]"]:
    """All but comments."""
    return (t for t in _TOKEN.finditer(text) if not t.group().startswith(("//", "/*")))
