"""Reads JSON-RPC messages from a stream, in the frames of the LSP specification.

pygls' own loop accepts header names in one spelling, drops broken JSON without an answer, and reads
messages of any length.
"""

import asyncio
import json
import re
from dataclasses import dataclass

MAX_BYTES = 8 * 1024 * 1024
"""A longer message is not parsed; that alone would stop every editor for a noticeable time."""
_HEAD_BYTES = 4096
_CHUNK_BYTES = 65_536
_ID = re.compile(rb'[{,]\s*"id"\s*:\s*("[^"\\]*"|\d+)')
_METHOD = re.compile(rb'[{,]\s*"method"\s*:')
_URI = re.compile(rb'[{,]\s*"uri"\s*:\s*("[^"\\]*")')


@dataclass(frozen=True, slots=True)
class TooLong:
    """A message of `size` bytes that was not read; `head` is its beginning."""

    head: bytes
    size: int

    @property
    def id(self) -> str | int | None:
        """The id of a request, whose method stands near it; None if there is none."""
        found = _ID.search(self.head)
        return json.loads(found[1]) if found and _METHOD.search(self.head) else None

    @property
    def uri(self) -> str:
        """The first URI in the message, or an empty string."""
        found = _URI.search(self.head)
        return str(json.loads(found[1])) if found else ""


async def read_message(reader: asyncio.StreamReader) -> bytes | TooLong | None:
    """The body of the next message; None at the end of the stream, or if it is no LSP message.

    Any web page can send an HTTP request with an LSP message as its body to a TCP port. The request
    line is no LSP header, so such a connection is closed.

    Raises:
        asyncio.IncompleteReadError: the stream ends within a body.
        ValueError: a header line is too long.
    """
    size = 0
    while line := await reader.readline():
        name, _, value = line.strip().partition(b":")
        if not name:
            if size:
                return await _read_body(reader, size)
        elif name.lower() == b"content-length" and value.strip().isdigit():
            size = int(value)
        elif name.lower() != b"content-type":
            return None
    return None


async def _read_body(reader: asyncio.StreamReader, size: int) -> bytes | TooLong:
    if size <= MAX_BYTES:
        return await reader.readexactly(size)
    head = await reader.readexactly(_HEAD_BYTES)
    left = size - len(head)
    while left:
        left -= len(await reader.readexactly(min(left, _CHUNK_BYTES)))
    return TooLong(head, size)
