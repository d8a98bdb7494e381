"""`textDocument/didChange` as typed values, decoded fast.

"Replace all" sends thousands of changes in one message. The json module takes half a second for a
hundred thousand of them, and pygls' classes take several; msgspec needs some milliseconds.
"""

import re
from typing import Literal

import msgspec

METHOD = "textDocument/didChange"
_SURROGATE = re.compile("[\ud800-\udfff]")
_HEAD_BYTES = 100


class Position(msgspec.Struct, frozen=True, order=True, gc=False):
    """A line, and a column in code units; both from 0."""

    line: int
    character: int


class Range(msgspec.Struct, frozen=True, gc=False):
    """The text between two positions."""

    start: Position
    end: Position


class Change(msgspec.Struct, frozen=True, gc=False):
    """Replace the text in `range` by `text`; without a range, the whole file."""

    text: str
    range: Range | None = None


class Identifier(msgspec.Struct, frozen=True):
    """A version of a file."""

    uri: str
    version: int | None = None


class FileChanges(msgspec.Struct, frozen=True, rename="camel"):
    """The parameters of the notification; the changes apply in their order."""

    text_document: Identifier
    content_changes: list[Change]


class _Notification(msgspec.Struct, frozen=True):
    jsonrpc: Literal["2.0"]
    method: Literal["textDocument/didChange"]
    params: FileChanges


_DECODER = msgspec.json.Decoder(_Notification)


def decode_changes(body: bytes) -> FileChanges | None:
    """The changes in a message; None if it is another message, or needs a patient parser."""
    if METHOD.encode() not in body[:_HEAD_BYTES]:
        return None
    try:
        return _DECODER.decode(body).params
    except msgspec.MsgspecError:
        # Half of a surrogate pair is JSON, but msgspec refuses it.
        return None


def replace_surrogates(text: str) -> str:
    """Replace each half of a surrogate pair: JSON can carry it, but no encoding can."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
