"""Permissions, the audit log, and how a call ends."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from copilotd.prompt.messages import ToolCall
from copilotd.tools.editor import Decision
from tests.tools.fake_editor import FakeEditor, audit_file, call, create_runner

EDIT = {"path": "README.md", "old_text": "adds", "new_text": "sums"}


async def test_reading_needs_no_approval(editor: FakeEditor) -> None:
    result = await call(editor, "read_file", {"path": "README.md"})
    assert (result.decision, editor.requests) == ("allow", [])


async def test_a_call_that_the_user_denies_does_not_run(editor: FakeEditor, folder: Path) -> None:
    editor.answer = Decision.DENY
    result = await call(editor, "apply_edit", EDIT)
    assert result.text.startswith("The user does not allow this.")
    assert "It adds." in (folder / "README.md").read_text()


async def test_a_permission_for_the_session_is_requested_once(
    editor: FakeEditor, folder: Path
) -> None:
    editor.answer = Decision.SESSION
    session = create_runner(editor)
    await session.run(ToolCall("1", "apply_edit", json.dumps(EDIT)), editor)
    back = {"path": "README.md", "old_text": "sums", "new_text": "adds"}
    result = await session.run(ToolCall("2", "apply_edit", json.dumps(back)), editor)
    assert (result.decision, len(editor.requests)) == ("session", 1)
    assert (folder / "README.md").read_text().endswith("It adds.\n")


async def test_a_permission_for_a_command_is_for_exactly_that_command(editor: FakeEditor) -> None:
    editor.answer = Decision.SESSION
    session = create_runner(editor, permissions={"run_command": "ask"})
    for command in ("echo a", "echo b", "echo a"):
        await session.run(ToolCall("1", "run_command", json.dumps({"command": command})), editor)
    assert [question.command for question in editor.requests] == ["echo a", "echo b"]


@pytest.mark.parametrize(
    ("settings", "decision"),
    [
        ({}, "once"),
        ({"permissions": {"apply_edit": "allow"}}, "allow"),
        ({"permissions": {"*": "allow"}}, "allow"),
        ({"permissions": {"*": "allow", "apply_edit": "ask"}}, "once"),
        ({"permissions": {"apply_edit": "deny"}}, "none"),
    ],
)
async def test_the_settings_decide_before_the_user(
    editor: FakeEditor, settings: dict[str, object], decision: str
) -> None:
    result = await call(editor, "apply_edit", EDIT, **settings)
    assert (result.decision or "none") == decision


async def test_a_workspace_can_have_its_own_permissions(editor: FakeEditor, folder: Path) -> None:
    allowed = {str(folder): {"apply_edit": "allow"}, "/elsewhere": {"*": "deny"}}
    assert (await call(editor, "apply_edit", EDIT, workspaces=allowed)).decision == "allow"


async def test_the_strictest_of_several_folders_counts(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    editor = FakeEditor(folder, other)
    rules = {str(folder): {"apply_edit": "allow"}, str(other): {"apply_edit": "deny"}}
    result = await call(editor, "apply_edit", EDIT, workspaces=rules)
    assert result.text.startswith("There is no tool apply_edit.")


def test_run_command_is_offered_only_if_the_settings_name_it(editor: FakeEditor) -> None:
    def names(**settings: object) -> set[str]:
        return {tool.name for tool in create_runner(editor, **settings).list_allowed_tools(editor)}

    assert "run_command" not in names()
    assert "run_command" not in names(permissions={"*": "allow"})
    assert "run_command" in names(permissions={"run_command": "ask"})


async def test_a_file_that_controls_other_programs_needs_approval_even_if_edits_are_allowed(
    editor: FakeEditor,
) -> None:
    editor.answer = Decision.DENY
    edit = {"path": ".vscode/settings.json", "old_text": "", "new_text": "{}"}
    result = await call(editor, "apply_edit", edit, permissions={"apply_edit": "allow"})
    assert result.decision == "deny"


async def test_a_call_that_takes_too_long_is_stopped(editor: FakeEditor) -> None:
    settings = {"permissions": {"run_command": "allow"}, "timeout_s": 0.2}
    result = await call(editor, "run_command", {"command": "sleep 60 & sleep 60"}, **settings)
    assert result.text == "It took longer than 0.2 s and was stopped."


async def test_a_program_that_leaves_its_process_group_does_not_block_the_call(
    editor: FakeEditor,
) -> None:
    settings = {"permissions": {"run_command": "allow"}, "timeout_s": 0.5}
    result = await call(editor, "run_command", {"command": "setsid sleep 5 & exit 0"}, **settings)
    assert result.text == "It took longer than 0.5 s and was stopped."


async def test_a_long_result_is_truncated_with_a_note(editor: FakeEditor, folder: Path) -> None:
    (folder / "long.txt").write_text("x" * 1000)
    result = await call(editor, "read_file", {"path": "long.txt"}, output_limit=100)
    assert result.text.endswith("x\n[929 characters more; request less at once]")


async def test_a_malformed_call_and_an_unknown_tool_get_an_error_result(editor: FakeEditor) -> None:
    session = create_runner(editor)
    broken = await session.run(ToolCall("1", "read_file", "{"), editor)
    assert broken.text.startswith("The arguments are not valid JSON")
    listed = await session.run(ToolCall("1", "read_file", "[]"), editor)
    assert listed.text == "The arguments must be a JSON object."
    unknown = await session.run(ToolCall("1", "fly", "{}"), editor)
    assert unknown.text.startswith("There is no tool fly. There are: read_file, list_directory")


async def test_every_call_is_recorded_in_a_file_that_only_the_user_can_read(
    editor: FakeEditor,
) -> None:
    await call(editor, "read_file", {"path": "README.md"})
    await call(editor, "apply_edit", {**EDIT, "new_text": "y" * 300})
    await call(editor, "read_file", {"path": "../secret.txt"})
    lines = [json.loads(line) for line in audit_file(editor).read_text().splitlines()]
    assert [(line["tool"], line["decision"], line["outcome"][:6]) for line in lines] == [
        ("read_file", "allow", "done"),
        ("apply_edit", "once", "done"),
        ("read_file", "none", "failed"),
    ]
    assert lines[1]["arguments"]["new_text"] == "y" * 200 + "… (300 characters)"
    assert audit_file(editor).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
async def test_a_cancelled_call_stops_and_is_recorded(editor: FakeEditor) -> None:
    session = create_runner(editor, permissions={"run_command": "allow"})
    os.mkfifo(editor.folders[0] / "started")
    command = json.dumps({"command": "echo > started; sleep 60; touch ended"})
    running = asyncio.create_task(session.run(ToolCall("1", "run_command", command), editor))
    async with asyncio.timeout(30):
        await asyncio.to_thread((editor.folders[0] / "started").read_text)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert json.loads(audit_file(editor).read_text())["outcome"] == "failed: It was stopped."
