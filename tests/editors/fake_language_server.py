"""A language server in the test's own process, which says what the test wants."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

WAIT_S = 30.0

HOLD: Any = object()
"""The result of a request that gets no answer."""

Completer = Callable[[str, str], dict[str, Any] | None]
"""From the line before and behind the cursor to an item, or nothing."""

_UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def units(text: str, encoding: str) -> int:
    """How long `text` is in an encoding of positions."""
    name, width = _UNITS[encoding]
    return len(text.encode(name)) // width


class Stub:
    """Serves one editor after another on a socket.

    `complete` makes the items. While `held` is set, requests for them wait; `release` answers those
    that were not cancelled. `answers` has what other messages lead to, by method;
    an exception becomes an error.
    """

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path = path
        self.encoding = encoding
        self.complete: Completer = lambda before, after: None
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.held = False
        self.received: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.replies: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._waiting: dict[int, Any] = {}
        self._news = threading.Condition()
        self._link: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(WAIT_S)

    def hang_up(self) -> None:
        """Go away like a daemon that was killed."""
        with suppress(OSError):  # the editor may have left before
            if self._link:
                self._link.shutdown(socket.SHUT_RDWR)

    def offers(self, text: str) -> None:
        """Offer the rest of `text` to whoever has typed the beginning of its first line."""

        def complete(before: str, after: str) -> dict[str, Any] | None:
            if not text.startswith(before):
                return None
            return {"insertText": text[len(before) :]}

        self.complete = complete

    def all(self, method: str) -> list[Any]:
        """The parameters of every such message so far."""
        with self._news:
            return [each.get("params") for each in self.received if each["method"] == method]

    def wait_for(self, method: str, count: int = 1) -> list[Any]:
        """The same, once there are so many."""
        with self._news:
            arrived = self._news.wait_for(lambda: len(self.all(method)) >= count, WAIT_S)
        assert arrived, f"{len(self.all(method))} of {count} {method} came"
        return self.all(method)

    def release(self) -> None:
        """Answer what was held, and hold no more."""
        self.held = False
        for id, params in list(self._waiting.items()):
            self._answer_held(id, params)

    def progress(self, params: Any, *pieces: str) -> None:
        """Send the first pieces of an answer."""
        for piece in pieces:
            value = {"delta": piece}
            self.notify("$/progress", {"token": params["partialResultToken"], "value": value})

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> str:
        """Send the editor a request; its id, under which `replies` has the result in time."""
        id = f"stub-{len(self.asked)}"
        self.asked.append(id)
        self._send({"id": id, "method": method, "params": params})
        return id

    def reply(self, id: str) -> Any:
        """What the editor answered, once it has."""
        with self._news:
            arrived = self._news.wait_for(lambda: id in self.replies, WAIT_S)
        assert arrived, f"{id} was not answered"
        return self.replies[id]

    def _answer_held(self, id: int, params: Any) -> None:
        if self._waiting.pop(id, None):
            self._send({"id": id, "result": self._items(params)})

    def _serve(self) -> None:
        while True:
            try:
                self._link, _ = self._listener.accept()
            except OSError:
                return
            with self._link, self._link.makefile("rb") as stream:
                while message := _read(stream):
                    self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            with self._news:
                self.replies[message["id"]] = message.get("result")
                self._news.notify_all()
            return
        method: str = message["method"]
        params: Any = message.get("params")
        if method in ("textDocument/didOpen", "textDocument/didChange"):
            document = params["textDocument"]
            text = document.get("text") or params.get("contentChanges", [{"text": ""}])[0]["text"]
            self._texts[document["uri"]] = text.split("\n")
        if method == "exit":
            self.hang_up()
        if method == "$/cancelRequest":
            self._cancel(params["id"])
        # What is noted has been taken in, so that a test which waits for it may go on.
        held = self.held and method == "textDocument/inlineCompletion"
        if held:
            self._waiting[message["id"]] = params
        elif "id" in message:
            self._answer(message["id"], self._result(method, params))
        elif method in self.answers:
            self.answers[method](params)
        with self._news:
            self.received.append(message)
            self._news.notify_all()

    def _answer(self, id: int, result: Any) -> None:
        if isinstance(result, Exception):
            self._send({"id": id, "error": {"code": -32803, "message": str(result)}})
        elif result is not HOLD:
            self._send({"id": id, "result": result})

    def _cancel(self, id: int) -> None:
        if self._waiting.pop(id, None):
            self._send({"id": id, "error": {"code": -32800, "message": "cancelled"}})

    def _result(self, method: str, params: Any) -> Any:
        if method == "initialize":
            commands = ["copilotd.accept", "copilotd.reject"]
            capabilities = {
                "positionEncoding": self.encoding,
                "textDocumentSync": 1,
                "inlineCompletionProvider": {},
                "executeCommandProvider": {"commands": commands},
            }
            return {"capabilities": capabilities}
        if method == "textDocument/inlineCompletion":
            return self._items(params)
        answer = self.answers.get(method)
        return answer(params) if answer else None

    def _items(self, params: Any) -> dict[str, Any]:
        position = params["position"]
        line = self._texts[params["textDocument"]["uri"]][position["line"]]
        before = self._before(line, position["character"])
        item = self.complete(before, line[len(before) :])
        if item is None:
            return {"items": []}
        covered = item.pop("covers", 0)
        end = {"line": position["line"], "character": position["character"] + covered}
        command = {"title": "Accept", "command": "copilotd.accept", "arguments": [before]}
        return {"items": [{"range": {"start": position, "end": end}, "command": command, **item}]}

    def _before(self, line: str, character: int) -> str:
        name, width = _UNITS[self.encoding]
        return line.encode(name)[: character * width].decode(name)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._link is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # the editor has left
            self._link.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


def _read(stream: Any) -> dict[str, Any] | None:
    length = 0
    try:
        while (line := stream.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return dict(json.loads(stream.read(length))) if length else None
    except OSError:
        return None
