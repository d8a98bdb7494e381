"""Tells calls from text in what a model writes."""

import json
import re
from collections.abc import Callable
from enum import Enum, auto

from copilotd.chat.tool_calls.formats import BARE, BLOCK, Notation
from copilotd.prompt.messages import ToolCall

_MAY_BE_BARE = re.compile(r'\s*(`{1,2}|```(j|js|jso|json)?\s*)?(\{\s*("(n|na|nam)?)?)?')


class _At(Enum):
    """What is being read."""

    BEGINNING = auto()
    TEXT = auto()
    CALL = auto()
    BEHIND = auto()
    """Behind a call, where its closing mark may follow, or another call of the same list."""


class CallReader:
    """Takes the output in pieces, gives text and calls; `new_id` names the calls.

    What is opened like a call and is none (its JSON is broken, or there is no such function) comes
    out as text.
    """

    def __init__(self, notation: Notation, new_id: Callable[[], str], names: set[str]) -> None:
        self._notation = notation
        self._new_id = new_id
        self._names = names
        self._held = ""
        self._at = _At.BEGINNING
        self._has_called = False
        self._steps = {
            _At.BEGINNING: self._beginning,
            _At.TEXT: self._text,
            _At.CALL: self._call,
            _At.BEHIND: self._behind,
        }

    def opened(self) -> None:
        """The opening of a call was part of the prompt."""
        self._at = _At.CALL

    def push(self, piece: str) -> list[str | ToolCall]:
        """What is decided with this piece."""
        self._held += piece
        found: list[str | ToolCall] = []
        while (one := self._steps[self._at]()) is not None:
            found.append(one)
        return [one for one in found if one]

    def finish(self) -> list[str]:
        """The rest, as text."""
        rest, self._held = self._held, ""
        is_over = self._at is _At.BEHIND or (self._has_called and not rest.strip())
        return [rest] if rest and not is_over else []

    # Each step gives what is decided next ("" if only the state is), or None to wait for more.

    def _beginning(self) -> str | None:
        if bare := re.match(BARE, self._held):
            return self._enter(_At.CALL, bare.start(1))
        if _MAY_BE_BARE.fullmatch(self._held):
            return None
        self._at = _At.TEXT
        return ""

    def _text(self) -> str | None:
        opens = self._notation.opens
        at = self._held.find(opens) if opens else -1
        if at >= 0:
            text = self._held[:at].rstrip()
            self._enter(_At.CALL, at + len(opens))
            return text
        # White space before a call is no text; whether one follows is not known yet.
        free = len(self._held[: len(self._held) - _overlap(self._held, opens)].rstrip())
        text, self._held = self._held[:free], self._held[free:]
        return text or None

    def _call(self) -> str | ToolCall | None:
        end = _object_end(self._held)
        if end is None:
            return None
        text = self._held[:end]
        made = self._made(text)
        self._enter(_At.TEXT if made is None else _At.BEHIND, end)
        self._has_called = self._has_called or made is not None
        return text if made is None else made

    def _behind(self) -> str | None:
        rest = self._held.lstrip(" \n,]" if self._notation.in_list else " \n")
        if self._notation.in_list and rest.startswith("{"):
            return self._enter(_At.CALL, len(self._held) - len(rest))
        for mark in filter(None, (self._notation.closes, BLOCK)):
            if rest.startswith(mark):
                return self._enter(_At.TEXT, len(self._held) - len(rest) + len(mark))
            if mark.startswith(rest):
                return None
        self._at = _At.TEXT
        return ""

    def _enter(self, state: _At, at: int) -> str:
        self._at, self._held = state, self._held[at:]
        return ""

    def _made(self, text: str) -> ToolCall | None:
        try:
            call = json.loads(text[text.index("{") :])
        except ValueError:
            return None
        arguments = call.get("arguments", call.get("parameters"))
        if call.get("name") not in self._names or not isinstance(arguments, dict):
            return None
        return ToolCall(self._new_id(), call["name"], json.dumps(arguments, ensure_ascii=False))


def _object_end(text: str) -> int | None:
    """Where the first JSON object in `text` ends; None if that has not come yet."""
    depth, in_string, is_escaped = 0, False, False
    for at in range(max(0, text.find("{")), len(text)):
        character = text[at]
        if in_string:
            in_string = is_escaped or character != '"'
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth <= 0:
                return at + 1
    return None


def _overlap(text: str, mark: str) -> int:
    """How much of the end of `text` may be the beginning of `mark`."""
    return next((n for n in range(min(len(mark), len(text)), 0, -1) if mark[:n] == text[-n:]), 0)
