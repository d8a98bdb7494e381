from tests.lsp.conftest import Connect, FakeDaemon
from tests.lsp.raw_client import RawClient, completion_params

COMPLETION = "textDocument/completion"
SNIPPETS = {"completion": {"completionItem": {"snippetSupport": True}}}


async def test_menu_items_are_announced_only_to_clients_without_inline_completion(
    client: RawClient, connect: Connect
) -> None:
    plain = await client.initialize()
    modern = await (await connect()).initialize(textDocument={"inlineCompletion": {}})
    assert plain["completionProvider"]["triggerCharacters"] == [".", "(", "[", "{", "=", ",", ":"]
    assert "completionProvider" not in modern
    assert plain["inlineCompletionProvider"] == modern["inlineCompletionProvider"] == {}


async def test_the_menu_item_is_an_escaped_snippet_in_the_negotiated_encoding(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize(general={"positionEncodings": ["utf-8"]}, textDocument=SNIPPETS)
    daemon.model.text = "cho(`${HOME}\\n`)"
    client.open_file("'😀'; e")
    result = await client.request(COMPLETION, completion_params(0, 9, kind=1))
    [item] = result["items"]
    assert result["isIncomplete"] is True
    assert item["insertTextFormat"] == 2
    assert item["filterText"] == "echo(`${HOME}\\n`)"
    assert item["textEdit"] == {
        "range": {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 9}},
        "newText": "echo(`\\${HOME\\}\\\\n`)",
    }


async def test_an_inserted_menu_item_counts_as_accepted_without_its_command(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "cho(1)"
    client.open_file("e")
    [item] = (await client.request(COMPLETION, completion_params(0, 1, kind=1)))["items"]
    span, text = item["textEdit"]["range"], item["textEdit"]["newText"]
    client.change_file({"range": span, "text": text})
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert (text, daemon.stats().accepted) == ("echo(1)", 1)


async def test_an_editor_that_requests_ghost_text_gets_no_menu_items(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "1"
    client.open_file("x = ")
    assert len(await client.request_ghost_text(0, 4)) == 1
    assert await client.request(COMPLETION, completion_params(0, 4, kind=1)) == {
        "isIncomplete": True,
        "items": [],
    }
