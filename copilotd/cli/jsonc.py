"""Reads and edits JSON with comments and trailing commas, as in VS Code's settings.

Only the changed member is rewritten; everything else, comments included, stays.

No library serves here. json-five keeps comments, but it accepts JSON5, which VS Code refuses, and
it leaves the blanks and commas around an inserted or removed member to its caller.
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
    """A member of the outermost object: the offsets of its key and its value."""

    key: str
    start: int
    value_start: int
    value_end: int


def parse(text: str) -> dict[str, Any]:
    """Parse the object; an empty text is an empty object. Raises: ValueError if it is no object."""
    tokens = [token.group() for token in _tokenize(text)]
    kept = [
        token
        for at, token in enumerate(tokens)
        if token != "," or tokens[at + 1 : at + 2] not in (["}"], ["]"])
    ]
    try:
        value = json.loads("".join(kept) or "{}")
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def set_member(text: str, key: str, value: object) -> str:
    """`text` with `value` for `key`; None removes the member. Raises: ValueError."""
    parse(text)
    found = next((member for member in _find_members(text) if member.key == key), None)
    if found is None:
        return text if value is None else _insert_member(text, key, value)
    if value is None:
        return _remove_member(text, found)
    return text[: found.value_start] + _render_value(value) + text[found.value_end :]


def _insert_member(text: str, key: str, value: object) -> str:
    """Insert the member at the start, where it needs no comma before it."""
    if not text.strip():
        text = "{\n}\n"
    at = next(token.end() for token in _tokenize(text) if token.group() == "{")
    comma = "," if _find_members(text) else ""
    end = "" if text[at:].lstrip(" \t").startswith("\n") else "\n"
    member = f"{' ' * _INDENT}{json.dumps(key)}: {_render_value(value)}"
    return f"{text[:at]}\n{member}{comma}{end}{text[at:]}"


def _remove_member(text: str, member: Member) -> str:
    """Remove the member, its line and the comma after it (for the last member, before it)."""
    before, behind = text[: member.start].rstrip(), text[member.value_end :]
    if behind.lstrip().startswith(","):
        behind = behind.lstrip()[1:]
    else:
        before = before.removesuffix(",")
    return before + behind


def _render_value(value: object) -> str:
    return json.dumps(value, indent=_INDENT, ensure_ascii=False).replace("\n", "\n" + " " * _INDENT)


def _find_members(text: str) -> list[Member]:
    members: list[Member] = []
    tokens, depth = list(_tokenize(text)), 0
    key: re.Match[str] | None = None
    first: re.Match[str] | None = None
    for before, token in pairwise(tokens):
        mark, depth = before.group(), depth + _depth_change(before.group())
        if key and first and depth == 1 and token.group() in ",}":
            name = json.loads(key.group())
            members.append(Member(name, key.start(), first.start(), before.end()))
            key = first = None
        elif depth == 1 and key is None and token.group() == ":":
            key = before
        elif key and first is None and mark == ":":
            first = token
    return members


def _depth_change(mark: str) -> int:
    return (mark in "{[") - (mark in "}]")


def _tokenize(text: str) -> Iterator["re.Match[str]"]:
    """The text without comments."""
    return (t for t in _TOKEN.finditer(text) if not t.group().startswith(("//", "/*")))
