"""A small LSP client that keeps every message of the server and counts the responses."""

import asyncio
import json
from collections import Counter
from itertools import count
from typing import Any

TIMEOUT_S = 30.0
INLINE = "textDocument/inlineCompletion"
URI = "file:///w/app/a.py"

Json = dict[str, Any]


class RawClient:
    """Answers the server's own requests from `replies`, else with null.

    `received` holds all messages with a method, `answers` the number of responses by request id,
    `errors` those of messages whose id the server does not know.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._arrived = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())
        self.answers: Counter[int] = Counter()
        self.received: list[Json] = []
        self.errors: asyncio.Queue[Json] = asyncio.Queue()
        self.replies: dict[str, Any] = {}
        self.is_closed = False

    @classmethod
    async def connect(cls, path: str) -> "RawClient":
        return cls(*await asyncio.open_unix_connection(path))

    async def initialize(self, name: str = "test", **capabilities: Any) -> Json:
        """Start a session; returns the server's capabilities."""
        folder = {"uri": "file:///w", "name": "w"}
        result = await self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "clientInfo": {"name": name},
                "capabilities": capabilities,
                "workspaceFolders": [folder],
            },
        )
        self.notify("initialized", {})
        return dict(result["capabilities"])

    def send(self, message: Json) -> None:
        self.send_body(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_body(self, body: bytes) -> None:
        self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def stop_reading(self) -> None:
        self._reading.cancel()

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def send_request(self, method: str, params: Any) -> tuple[int, "asyncio.Future[Json]"]:
        """Send a request; returns its id and a future of the whole response."""
        id = next(self._ids)
        self._waiting[id] = asyncio.get_running_loop().create_future()
        self.answers[id] = 0
        self.send({"id": id, "method": method, "params": params})
        return id, self._waiting[id]

    async def request(self, method: str, params: Any) -> Any:
        """Send a request that succeeds; returns its result."""
        response = await asyncio.wait_for(self.send_request(method, params)[1], TIMEOUT_S)
        assert "error" not in response, response
        return response["result"]

    async def request_error(self, method: str, params: Any) -> Json:
        """Send a request that fails; returns its error."""
        response = await asyncio.wait_for(self.send_request(method, params)[1], TIMEOUT_S)
        return dict(response["error"])

    async def wait_for_messages(self, method: str, number: int) -> list[Any]:
        """Wait for `number` messages of `method`; returns their parameters."""

        def list_params() -> list[Any]:
            return [m["params"] for m in self.received if m["method"] == method]

        async with asyncio.timeout(TIMEOUT_S), self._arrived:
            await self._arrived.wait_for(lambda: len(list_params()) >= number)
        return list_params()[:number]

    def open_file(self, text: str, uri: str = URI, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change_file(self, *changes: Json, version: int = 2, uri: str = URI) -> None:
        document = {"uri": uri, "version": version}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)}
        )

    async def request_ghost_text(
        self, line: int, character: int, uri: str = URI, kind: int = 2
    ) -> list[Json]:
        return list(
            (await self.request(INLINE, completion_params(line, character, uri, kind)))["items"]
        )

    async def shut_down(self) -> None:
        """End the session as an editor does, and check that every request got one response."""
        await self.request("shutdown", None)
        self.notify("exit", None)
        await self.wait_until_closed()
        assert set(self.answers.values()) == {1}, self.answers

    async def wait_until_closed(self) -> None:
        """Wait until the server has closed the connection."""
        await asyncio.wait_for(self._reading, TIMEOUT_S)
        self._writer.close()
        self.is_closed = True

    async def disconnect(self) -> None:
        """Close the connection without `shutdown`, as a killed editor does."""
        self._reading.cancel()
        self._writer.transport.abort()
        self.is_closed = True

    async def _read(self) -> None:
        while header := await self._reader.readline():
            length = int(header.removeprefix(b"Content-Length: "))
            while (await self._reader.readline()).strip():
                pass
            await self._handle(json.loads(await self._reader.readexactly(length)))

    async def _handle(self, message: Json) -> None:
        if message.get("id", "") is None:
            self.errors.put_nowait(message["error"])
            return
        if "method" not in message:
            self.answers[message["id"]] += 1
            waiting = self._waiting.pop(message["id"], None)
            if waiting is not None:
                waiting.set_result(message)
            return
        if "id" in message:
            await self._reply(message)
        async with self._arrived:
            self.received.append(message)
            self._arrived.notify_all()

    async def _reply(self, message: Json) -> None:
        """Answer a request of the server. If the reply is an event, set it and do not answer."""
        reply = self.replies.get(message["method"])
        if isinstance(reply, asyncio.Event):
            reply.set()
        elif isinstance(reply, Exception):
            error = {"code": -32601, "message": str(reply)}
            self.send({"id": message["id"], "error": error})
        else:
            self.send({"id": message["id"], "result": reply})


def completion_params(line: int, character: int, uri: str = URI, kind: int = 2) -> Json:
    """The parameters of a completion request."""
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": kind},
    }


def content_change(start: tuple[int, int], end: tuple[int, int], text: str) -> Json:
    """A content change between two positions."""
    positions = [{"line": line, "character": character} for line, character in (start, end)]
    return {"range": {"start": positions[0], "end": positions[1]}, "text": text}
