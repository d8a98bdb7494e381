"""A language server in the process of the test, with answers that the test sets."""

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
"""From the line before and after the cursor to an item, or None."""

_UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def count_units(text: str, encoding: str) -> int:
    """Count the units of `text` in a position encoding."""
    name, width = _UNITS[encoding]
    return len(text.encode(name)) // width


class FakeServer:
    """Serves one editor after another on a socket.

    `complete` makes the items. While `held` is set, requests for items wait; `release` answers
    those that were not cancelled. `answers` maps other methods to functions that make their
    results; an exception becomes an error.
    """

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path = path
        self.encoding = encoding
        self.complete: Completer = lambda before, after: None
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.held = False
        self.received: list[dict[str, Any]] = []
        self.sent_ids: list[str] = []
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
        self.disconnect()
        self._thread.join(WAIT_S)

    def disconnect(self) -> None:
        """Close the connection, like a daemon that was killed."""
        with suppress(OSError):  # the editor may have left before
            if self._link:
                self._link.shutdown(socket.SHUT_RDWR)

    def offer(self, text: str) -> None:
        """Offer the rest of `text` after the user has typed the start of its first line."""

        def complete(before: str, after: str) -> dict[str, Any] | None:
            if not text.startswith(before):
                return None
            return {"insertText": text[len(before) :]}

        self.complete = complete

    def list_params(self, method: str) -> list[Any]:
        """Return the parameters of each message with this method so far."""
        with self._news:
            return [each.get("params") for each in self.received if each["method"] == method]

    def wait_for(self, method: str, count: int = 1) -> list[Any]:
        """Wait for `count` messages with this method; return the parameters of all of them."""
        with self._news:
            arrived = self._news.wait_for(lambda: len(self.list_params(method)) >= count, WAIT_S)
        assert arrived, f"{len(self.list_params(method))} of {count} {method} came"
        return self.list_params(method)

    def release(self) -> None:
        """Answer the waiting requests, and let no more requests wait."""
        self.held = False
        for id, params in list(self._waiting.items()):
            self._answer_held(id, params)

    def send_progress(self, params: Any, *pieces: str) -> None:
        """Send pieces of an answer as progress."""
        for piece in pieces:
            value = {"delta": piece}
            self.notify("$/progress", {"token": params["partialResultToken"], "value": value})

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def send_request(self, method: str, params: Any) -> str:
        """Send the editor a request; return its id, the key of its result in `replies`."""
        id = f"stub-{len(self.sent_ids)}"
        self.sent_ids.append(id)
        self._send({"id": id, "method": method, "params": params})
        return id

    def wait_for_reply(self, id: str) -> Any:
        """Wait until the editor has answered the request; return the result."""
        with self._news:
            arrived = self._news.wait_for(lambda: id in self.replies, WAIT_S)
        assert arrived, f"{id} was not answered"
        return self.replies[id]

    def _answer_held(self, id: int, params: Any) -> None:
        if self._waiting.pop(id, None):
            self._send({"id": id, "result": self._build_items(params)})

    def _serve(self) -> None:
        while True:
            try:
                self._link, _ = self._listener.accept()
            except OSError:
                return
            with self._link, self._link.makefile("rb") as stream:
                while message := _read(stream):
                    self._handle(message)

    def _handle(self, message: dict[str, Any]) -> None:
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
            self.disconnect()
        if method == "$/cancelRequest":
            self._cancel(params["id"])
        # A message is recorded after it is handled, so that a test that waits for it may go on.
        held = self.held and method == "textDocument/inlineCompletion"
        if held:
            self._waiting[message["id"]] = params
        elif "id" in message:
            self._answer(message["id"], self._build_result(method, params))
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

    def _build_result(self, method: str, params: Any) -> Any:
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
            return self._build_items(params)
        answer = self.answers.get(method)
        return answer(params) if answer else None

    def _build_items(self, params: Any) -> dict[str, Any]:
        position = params["position"]
        line = self._texts[params["textDocument"]["uri"]][position["line"]]
        before = self._cut_before(line, position["character"])
        item = self.complete(before, line[len(before) :])
        if item is None:
            return {"items": []}
        covered = item.pop("covers", 0)
        end = {"line": position["line"], "character": position["character"] + covered}
        command = {"title": "Accept", "command": "copilotd.accept", "arguments": [before]}
        return {"items": [{"range": {"start": position, "end": end}, "command": command, **item}]}

    def _cut_before(self, line: str, character: int) -> str:
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
