"""Calls of the tools of an MCP server that is built with the SDK."""

import sys
from typing import Any

import pytest

from copilotd.tools.editor import Decision
from tests.tools.fake_editor import FakeEditor
from tests.tools.mcp.session import NAMES, OLD_SERVER, Begin, until


async def test_a_server_is_started_when_its_tools_are_needed(begin: Begin) -> None:
    session = begin()
    assert (session.names, session.file.exists()) == ([], False)
    await session.runner.wait_until_ready()
    assert session.names == NAMES


async def test_a_call_needs_approval_even_if_the_server_calls_it_harmless(
    begin: Begin, editor: FakeEditor
) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    result = await session.call("s_add", a=1, b=2)
    assert (result.text, result.decision) == ("3", "once")
    assert [(q.title, q.command) for q in editor.requests] == [
        ("Call s_add of the MCP server s", '{"a": 1, "b": 2}')
    ]
    editor.answer = Decision.DENY
    assert (await session.call("s_add", a=1, b=2)).decision == "deny"


async def test_the_request_for_approval_escapes_invisible_characters(
    begin: Begin, editor: FakeEditor
) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    await session.call("s_variable", name="ü\u202e\x1b")
    assert editor.requests[0].command == '{"name": "ü\\u202e\\u001b"}'


async def test_the_model_gets_the_schema_and_a_truncated_description(begin: Begin) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    tool = next(t for t in session.runner.list_allowed_tools(session.editor) if t.name == "s_go_to")
    assert tool.parameters["properties"] == {"place": {"$ref": "#/$defs/Place"}}
    assert len(tool.description) == 500 and tool.description.endswith(" Far.…")
    assert (await session.call("s_go_to", place={"city": "Paris"})).text == "Here is Paris."


async def test_only_the_tools_that_the_settings_name_are_offered(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    session = begin(server={"tools": ["add", "fly"]})
    await session.runner.wait_until_ready()
    assert session.names == ["s_add"]
    assert (await session.call("s_fail")).text.startswith("There is no tool s_fail. There are: ")
    assert "the MCP server s has no tools fly" in caplog.text


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("s_fail", {}, "the bridge is out"),
        ("s_add", {"a": 1}, "validation error for addArguments"),
    ],
)
async def test_an_error_of_a_tool_is_a_failed_result(
    begin: Begin, name: str, arguments: dict[str, Any], text: str
) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    result = await session.call(name, **arguments)
    assert result.is_failure and text in result.text


async def test_content_other_than_text_becomes_a_note(begin: Begin) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    assert (await session.call("s_picture")).text == "A picture:\n[left out: image, image/png]"


async def test_a_program_gets_the_configured_environment_without_secrets(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    monkeypatch.setenv("MY_PLACE", "here")
    session = begin(server={"environment": {"API_KEY": "given"}})
    await session.runner.wait_until_ready()
    values = [
        (await session.call("s_variable", name=name)).text
        for name in ("MY_TOKEN", "MY_PLACE", "API_KEY")
    ]
    assert values == ["(unset)", "here", "given"]


async def test_an_older_server_can_change_its_tools_while_it_runs(begin: Begin) -> None:
    session = begin(server={"command": [sys.executable, str(OLD_SERVER)]})
    await session.runner.wait_until_ready()
    assert session.names == ["s_learn"]
    assert (await session.call("s_learn")).text == "learnt"
    await until(lambda: session.names == ["s_learn", "s_recite"])
