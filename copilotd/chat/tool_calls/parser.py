"""Separates the calls from the text in a model's output."""

import json
import re
from collections.abc import Callable
from enum import Enum, auto

from copilotd.chat.tool_calls.formats import BARE_CALL, CODE_FENCE, CallFormat
from copilotd.prompt.messages import ToolCall

_MAY_BECOME_BARE_CALL = re.compile(r'\s*(`{1,2}|```(j|js|jso|json)?\s*)?(\{\s*("(n|na|nam)?)?)?')


class _State(Enum):
    START = auto()
    TEXT = auto()
    CALL = auto()
    AFTER_CALL = auto()
    """After a call: its end mark may follow, or another call of the same array."""


class ToolCallParser:
    """Splits output that arrives in pieces into texts and calls; `create_id` makes the calls' ids.

    If a call turns out not to be one (broken JSON, or no function of `names`), it becomes text.
    """

    def __init__(
        self, call_format: CallFormat, create_id: Callable[[], str], names: set[str]
    ) -> None:
        self._format = call_format
        self._create_id = create_id
        self._names = names
        self._pending = ""
        self._state = _State.START
        self._has_calls = False
        self._steps = {
            _State.START: self._read_start,
            _State.TEXT: self._read_text,
            _State.CALL: self._read_call,
            _State.AFTER_CALL: self._read_after_call,
        }

    def begin_in_call(self) -> None:
        """Expect a call at the start: its start mark is part of the prompt."""
        self._state = _State.CALL

    def push(self, piece: str) -> list[str | ToolCall]:
        """Return the texts and calls that are complete with this piece."""
        self._pending += piece
        parts: list[str | ToolCall] = []
        while (part := self._steps[self._state]()) is not None:
            parts.append(part)
        return [part for part in parts if part]

    def finish(self) -> list[str]:
        """Return the rest as text."""
        rest, self._pending = self._pending, ""
        is_after_call = self._state is _State.AFTER_CALL
        is_blank = self._has_calls and not rest.strip()
        return [rest] if rest and not (is_after_call or is_blank) else []

    # Each step returns the next part ("" if only the state changed), or None to wait for more.

    def _read_start(self) -> str | None:
        if bare := re.match(BARE_CALL, self._pending):
            return self._enter(_State.CALL, bare.start(1))
        if _MAY_BECOME_BARE_CALL.fullmatch(self._pending):
            return None
        self._state = _State.TEXT
        return ""

    def _read_text(self) -> str | None:
        mark = self._format.start_mark
        at = self._pending.find(mark) if mark else -1
        if at >= 0:
            text = self._pending[:at].rstrip()
            self._enter(_State.CALL, at + len(mark))
            return text
        # White space before a call is not text, and a call may still follow.
        certain = self._pending[: len(self._pending) - _overlap_length(self._pending, mark)]
        length = len(certain.rstrip())
        text, self._pending = self._pending[:length], self._pending[length:]
        return text or None

    def _read_call(self) -> str | ToolCall | None:
        end = _find_object_end(self._pending)
        if end is None:
            return None
        text = self._pending[:end]
        call = self._parse_call(text)
        self._enter(_State.TEXT if call is None else _State.AFTER_CALL, end)
        self._has_calls = self._has_calls or call is not None
        return text if call is None else call

    def _read_after_call(self) -> str | None:
        rest = self._pending.lstrip(" \n,]" if self._format.is_array else " \n")
        if self._format.is_array and rest.startswith("{"):
            return self._enter(_State.CALL, len(self._pending) - len(rest))
        for mark in filter(None, (self._format.end_mark, CODE_FENCE)):
            if rest.startswith(mark):
                return self._enter(_State.TEXT, len(self._pending) - len(rest) + len(mark))
            if mark.startswith(rest):
                return None
        self._state = _State.TEXT
        return ""

    def _enter(self, state: _State, at: int) -> str:
        self._state, self._pending = state, self._pending[at:]
        return ""

    def _parse_call(self, text: str) -> ToolCall | None:
        try:
            call = json.loads(text[text.index("{") :])
        except ValueError:
            return None
        arguments = call.get("arguments", call.get("parameters"))
        if call.get("name") not in self._names or not isinstance(arguments, dict):
            return None
        return ToolCall(self._create_id(), call["name"], json.dumps(arguments, ensure_ascii=False))


def _find_object_end(text: str) -> int | None:
    """Return the offset after the first JSON object in `text`; None if it is not complete."""
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


def _overlap_length(text: str, mark: str) -> int:
    """Return the length of the longest end of `text` that is a beginning of `mark`."""
    return next((n for n in range(min(len(mark), len(text)), 0, -1) if mark[:n] == text[-n:]), 0)
