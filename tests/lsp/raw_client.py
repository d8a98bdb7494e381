"""A small LSP client that sees every byte the server sends, and checks the server's bookkeeping."""

import asyncio
import json
from collections import Counter
from itertools import count
from typing import Any

WITHIN_S = 30.0
INLINE = "textDocument/inlineCompletion"
URI = "file:///w/app/a.py"

Json = dict[str, Any]


class RawClient:
    """Answers the server's own requests with `replies`, else null; all that comes is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())
        self.answers: Counter[int] = Counter()
        self.received: list[Json] = []
        self.replies: dict[str, Any] = {}
        self.is_over = False

    @classmethod
    async def connect(cls, path: str) -> "RawClient":
        return cls(*await asyncio.open_unix_connection(path))

    async def begin(self, name: str = "test", **capabilities: Any) -> Json:
        """The opening of a session; gives the server's capabilities."""
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
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> tuple[int, "asyncio.Future[Json]"]:
        """Send a request; its id, and its whole response when that comes."""
        id = next(self._ids)
        self._waiting[id] = asyncio.get_running_loop().create_future()
        self.answers[id] = 0
        self.send({"id": id, "method": method, "params": params})
        return id, self._waiting[id]

    async def request(self, method: str, params: Any) -> Any:
        """The result of a request that succeeds."""
        response = await asyncio.wait_for(self.ask(method, params)[1], WITHIN_S)
        assert "error" not in response, response
        return response["result"]

    async def fails(self, method: str, params: Any) -> Json:
        """The error of a request that does not."""
        response = await asyncio.wait_for(self.ask(method, params)[1], WITHIN_S)
        return dict(response["error"])

    async def messages(self, method: str, number: int) -> list[Any]:
        """The parameters of the first `number` messages of `method`, once they are there."""

        def found() -> list[Any]:
            return [m["params"] for m in self.received if m["method"] == method]

        async with asyncio.timeout(WITHIN_S), self._news:
            await self._news.wait_for(lambda: len(found()) >= number)
        return found()[:number]

    def open(self, text: str, uri: str = URI, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, *changes: Json, version: int = 2, uri: str = URI) -> None:
        document = {"uri": uri, "version": version}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)}
        )

    async def ghost_text(
        self, line: int, character: int, uri: str = URI, kind: int = 2
    ) -> list[Json]:
        return list((await self.request(INLINE, at(line, character, uri, kind)))["items"])

    async def leave(self) -> None:
        """End the session as an editor does; every request must have had its one answer."""
        await self.request("shutdown", None)
        self.notify("exit", None)
        await self.closed()
        assert set(self.answers.values()) == {1}, self.answers

    async def closed(self) -> None:
        """Wait until the server has hung up."""
        await asyncio.wait_for(self._reading, WITHIN_S)
        self._writer.close()
        self.is_over = True

    async def vanish(self) -> None:
        """Close the connection without a word, as a killed editor does."""
        self._reading.cancel()
        self._writer.transport.abort()
        self.is_over = True

    async def _read(self) -> None:
        while header := await self._reader.readline():
            length = int(header.removeprefix(b"Content-Length: "))
            while (await self._reader.readline()).strip():
                pass
            await self._take(json.loads(await self._reader.readexactly(length)))

    async def _take(self, message: Json) -> None:
        if "method" not in message:
            self.answers[message["id"]] += 1
            waiting = self._waiting.pop(message["id"], None)
            if waiting is not None:
                waiting.set_result(message)
            return
        if "id" in message:
            await self._reply(message)
        async with self._news:
            self.received.append(message)
            self._news.notify_all()

    async def _reply(self, message: Json) -> None:
        """A reply that is an event keeps the server waiting until it is set, and longer."""
        reply = self.replies.get(message["method"])
        if isinstance(reply, asyncio.Event):
            reply.set()
        elif isinstance(reply, Exception):
            error = {"code": -32601, "message": str(reply)}
            self.send({"id": message["id"], "error": error})
        else:
            self.send({"id": message["id"], "result": reply})


def at(line: int, character: int, uri: str = URI, kind: int = 2) -> Json:
    """The parameters of a completion request."""
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": kind},
    }


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> Json:
    """A content change, from position to position."""
    places = [{"line": line, "character": character} for line, character in (start, end)]
    return {"range": {"start": places[0], "end": places[1]}, "text": text}
