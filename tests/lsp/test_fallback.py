from typing import Any

from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import RawClient, at

COMPLETION = "textDocument/completion"
SNIPPETS = {"completion": {"completionItem": {"snippetSupport": True}}}


async def test_the_menu_item_is_announced_to_clients_without_inline_completion_only(
    client: RawClient, connect: Any
) -> None:
    plain = await client.begin()
    modern = await (await connect()).begin(textDocument={"inlineCompletion": {}})
    assert plain["completionProvider"]["triggerCharacters"] == [".", "(", "[", "{", "=", ",", ":"]
    assert "completionProvider" not in modern
    assert plain["inlineCompletionProvider"] == modern["inlineCompletionProvider"] == {}


async def test_the_menu_item_is_an_escaped_snippet_in_the_negotiated_encoding(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.begin(general={"positionEncodings": ["utf-8"]}, textDocument=SNIPPETS)
    daemon.model.text = "cho(`${HOME}\\n`)"
    client.open("'😀'; e")
    result = await client.request(COMPLETION, at(0, 9, kind=1))
    [item] = result["items"]
    assert result["isIncomplete"] is True
    assert item["insertTextFormat"] == 2
    assert item["filterText"] == "echo(`${HOME}\\n`)"
    assert item["textEdit"] == {
        "range": {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 9}},
        "newText": "echo(`\\${HOME\\}\\\\n`)",
    }


async def test_a_menu_item_that_was_inserted_is_accepted_without_its_command(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.begin()
    daemon.model.text = "cho(1)"
    client.open("e")
    [item] = (await client.request(COMPLETION, at(0, 1, kind=1)))["items"]
    span, text = item["textEdit"]["range"], item["textEdit"]["newText"]
    client.change({"range": span, "text": text})
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert (text, daemon.stats().accepted) == ("echo(1)", 1)


async def test_an_editor_that_asks_for_ghost_text_gets_no_menu_items(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.begin()
    daemon.model.text = "1"
    client.open("x = ")
    assert len(await client.ghost_text(0, 4)) == 1
    assert await client.request(COMPLETION, at(0, 4, kind=1)) == {"isIncomplete": True, "items": []}
