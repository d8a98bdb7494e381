"""The client applies ghost text as an editor would."""

import asyncio
from typing import Any, cast

from benchmarks.clients.ghost_text import GhostText, GhostTextClient
from tests.lsp.raw_client import RawClient

URI = "file:///w/a.py"


class Server:
    """Answers with one item, or with none, and says that it evaluated 12 of 20 tokens."""

    def __init__(self, *items: dict[str, Any], source: str = "engine") -> None:
        self._items, self._source = [*items], source
        self.asked: list[dict[str, Any]] = []

    def send_request(self, method: str, params: Any) -> tuple[int, "asyncio.Future[Any]"]:
        self.asked.append(params)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.set_result({"result": {"items": self._items}})
        return 1, answer

    async def request(self, method: str, params: Any) -> dict[str, Any]:
        counts = {"prompt_tokens": 20, "cached_tokens": 10, "read_tokens": 2}
        explanation = {"source": self._source, **counts}
        return {"status": "shown", "reason": "why", "is_piece": True, "explanation": explanation}


def build_item(text: str, line: int, start: int, end: int) -> dict[str, Any]:
    places = [{"line": line, "character": character} for character in (start, end)]
    return {"insertText": text, "range": {"start": places[0], "end": places[1]}}


async def ask(server: Server, text: str, *, invoked: bool = False) -> GhostText:
    """Ask at the bar in `text`."""
    before, _, after = text.partition("|")
    client = GhostTextClient(cast(RawClient, server))
    return await client.ask(URI, before + after, len(before), invoked=invoked)


async def test_the_item_is_inserted_at_the_cursor() -> None:
    ghost = await ask(Server(build_item("x, y", 1, 2, 2)), "a\nf(|)\nb\n")
    assert (ghost.text, ghost.rest, ghost.accepted) == ("x, y", ")", "a\nf(x, y)\nb\n")
    assert (ghost.evaluated, ghost.is_partial, ghost.reason) == (12, True, "why")


async def test_the_item_replaces_its_range() -> None:
    ghost = await ask(Server(build_item("f(x)", 0, 0, 3)), "f(|) # z")
    assert (ghost.text, ghost.rest, ghost.accepted) == ("x)", " # z", "f(x) # z")


async def test_positions_count_in_utf_16() -> None:
    server = Server(build_item("b", 0, 3, 3))
    ghost = await ask(server, "\U0001f600a|c")
    assert server.asked[0]["position"] == {"line": 0, "character": 3}
    assert (ghost.text, ghost.accepted) == ("b", "\U0001f600abc")


async def test_without_an_item_nothing_changes() -> None:
    ghost = await ask(Server(source="cache"), "f(|)")
    assert (ghost.text, ghost.rest, ghost.accepted, ghost.evaluated) == ("", ")", "f()", 0)


async def test_a_request_says_who_asks() -> None:
    server = Server()
    await ask(server, "|", invoked=True)
    await ask(server, "|", invoked=False)
    assert [params["context"]["triggerKind"] for params in server.asked] == [1, 2]
