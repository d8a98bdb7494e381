import asyncio

import pytest

from copilotd.lsp import framing
from copilotd.lsp.framing import TooLong, read_message


def stream(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\n",
        b"content-length: 2\r\n",
        b"CONTENT-LENGTH:2\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\n",
    ],
)
async def test_headers_are_read_in_any_spelling(head: bytes) -> None:
    reader = stream(head + b"\r\n{}" + head + b"\r\n[]")
    assert [await read_message(reader) for _ in range(3)] == [b"{}", b"[]", None]


@pytest.mark.parametrize(
    "data", [b"", b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"Content-Length: 2\r\n"]
)
async def test_what_is_no_message_ends_the_stream(data: bytes) -> None:
    assert await read_message(stream(data)) is None


async def test_a_body_that_breaks_off_is_an_error() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await read_message(stream(b"Content-Length: 9\r\n\r\n{}"))


async def test_a_message_that_is_too_long_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_BYTES", 100)
    monkeypatch.setattr(framing, "_HEAD_BYTES", 40)
    body = b'{"jsonrpc": "2.0", "id": 7, "method": "m"' + b" " * 100_000 + b"}"
    head = b"Content-Length: %d\r\n\r\n"
    reader = stream(head % len(body) + body + head % 2 + b"{}")
    assert await read_message(reader) == TooLong(body[:40], len(body))
    assert await read_message(reader) == b"{}"


@pytest.mark.parametrize(
    ("head", "id", "uri"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":{"x":"', 7, ""),
        (b'{"id" : "a-b", "method": "m", "params": ["', "a-b", ""),
        (b'{"id":7,"result":"', None, ""),
        (
            b'{"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a.py",',
            None,
            "file:///a.py",
        ),
        (b'{"method":"m","params":{"text":"{\\"id\\": 7, \\"uri\\": \\"x\\"', None, ""),
    ],
)
def test_the_head_of_a_long_message_shows_what_it_is(
    head: bytes, id: str | int | None, uri: str
) -> None:
    message = TooLong(head, 10**9)
    assert (message.id, message.uri) == (id, uri)
