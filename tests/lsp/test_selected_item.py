"""Ghost text while an item is selected in the editor's completion menu."""

import pytest

from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import INLINE, Json, RawClient, completion_params


def select(params: Json, start: int, end: int, text: str) -> Json:
    """Add the selected item, which would replace a part of the first line by `text`."""
    positions = [{"line": 0, "character": character} for character in (start, end)]
    info = {"range": {"start": positions[0], "end": positions[1]}, "text": text}
    return {**params, "context": {**params["context"], "selectedCompletionInfo": info}}


def describe(item: Json) -> tuple[str, int, int]:
    start, end = item["range"]["start"], item["range"]["end"]
    assert (start["line"], end["line"]) == (0, 0)
    return item["insertText"], start["character"], end["character"]


@pytest.mark.parametrize(
    ("line", "column", "selected", "prompt", "written", "offered"),
    [
        ("pri", 3, (0, 3, "print"), "print", "(a)", ("print(a)", 0, 3)),
        ("x = prt", 7, (4, 7, "print"), "x = print", "(a)", ("print(a)", 4, 7)),
        ("f(pri)", 5, (2, 5, "print"), "f(print", "(a))", ("print(a))", 2, 6)),
        ("priXY", 3, (0, 5, "print"), "print", "(a)", ("print(a)", 0, 5)),
        ("'😀', pri", 8, (6, 9, "print"), "'😀', print", "(a)", ("print(a)", 6, 9)),
    ],
    ids=[
        "a prefix is typed",
        "letters in between are missing",
        "a bracket after the cursor",
        "the item replaces the word after the cursor",
        "UTF-16",
    ],
)
async def test_the_item_continues_the_selected_one_and_replaces_the_same_range(
    client: RawClient,
    daemon: FakeDaemon,
    line: str,
    column: int,
    selected: tuple[int, int, str],
    prompt: str,
    written: str,
    offered: tuple[str, int, int],
) -> None:
    await client.initialize()
    daemon.model.text = written
    client.open_file(line)
    params = select(completion_params(0, column, kind=1), *selected)
    [item] = (await client.request(INLINE, params))["items"]
    assert describe(item) == offered
    assert (await daemon.model.prompts.get()).endswith(f"<MID>{prompt}")


async def test_without_a_continuation_there_is_no_item(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    client.open_file("pri")
    params = select(completion_params(0, 3, kind=1), 0, 3, "print")
    assert (await client.request(INLINE, params))["items"] == []


async def test_after_the_item_is_accepted_the_ghost_text_needs_no_model(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "(a)"
    client.open_file("pri")
    await client.request(INLINE, select(completion_params(0, 3, kind=1), 0, 3, "print"))
    daemon.model.text = "(b)"
    client.change_file({"text": "print"})
    [item] = await client.request_ghost_text(0, 5)
    assert describe(item) == ("(a)", 5, 5)
