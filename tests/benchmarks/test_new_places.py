"""The client that asks at holes reads a completion to its end."""

import os

from benchmarks.clients.ghost_text import GhostText
from benchmarks.new_places.clients import DaemonClient
from benchmarks.new_places.files import cut_holes
from benchmarks.workloads.holes import Hole, SourceFile

FILE = cut_holes([Hole("one", SourceFile("repo/a.py", "x = 1\n"), 4, "1")])


class Editor:
    """Shows the texts one after the other; those with a dash are a part of a completion."""

    def __init__(self, *texts: str) -> None:
        self._texts = [*texts]
        self.opened: dict[str, str] = {}

    def open_file(self, name: str, text: str) -> str:
        self.opened[name] = text
        return name

    def close_file(self, uri: str) -> None:
        del self.opened[uri]

    async def ask(self, uri: str, text: str, offset: int, *, invoked: bool) -> GhostText:
        assert self.opened[uri] == text
        shown = self._texts.pop(0)
        whole = text[:offset] + shown + text[offset:]
        return GhostText(shown.rstrip("-"), "", whole, 7.0, shown.endswith("-"), 5, "shown", "")


async def test_a_part_is_followed_until_the_completion_is_written() -> None:
    client = DaemonClient(Editor("1 -", "1 + -", "1 + 2"), os.getpid())
    await client.open_file(FILE)
    answer = await client.ask(FILE, 4)
    assert (answer.first_text, answer.text) == ("1 ", "1 + 2")
    assert (answer.first_ms, answer.evaluated) == (7.0, 5)


async def test_a_part_stays_if_nothing_follows() -> None:
    client = DaemonClient(Editor("1 -", ""), os.getpid())
    await client.open_file(FILE)
    assert (await client.ask(FILE, 4)).text == "1 "


async def test_no_text_has_no_time() -> None:
    client = DaemonClient(Editor(""), os.getpid())
    await client.open_file(FILE)
    answer = await client.ask(FILE, 4)
    assert (answer.text, answer.first_ms) == ("", None)
