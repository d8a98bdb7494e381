"""Who decides, what is written down, and where a call ends."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from copilotd.tools.editor import Decision
from tests.tools.fake_editor import FakeEditor, call, record, runner

EDIT = {"path": "README.md", "old_text": "adds", "new_text": "sums"}


async def test_reading_is_not_asked_about(editor: FakeEditor) -> None:
    result = await call(editor, "read_file", {"path": "README.md"})
    assert (result.decision, editor.requests) == ("allow", [])


async def test_what_the_user_denies_is_not_done(editor: FakeEditor, folder: Path) -> None:
    editor.answer = Decision.DENY
    result = await call(editor, "apply_edit", EDIT)
    assert result.text.startswith("The user does not allow this.")
    assert "It adds." in (folder / "README.md").read_text()


async def test_permission_for_the_session_is_asked_for_once(
    editor: FakeEditor, folder: Path
) -> None:
    editor.answer = Decision.SESSION
    session = runner(editor)
    await session.run("1", "apply_edit", json.dumps(EDIT), editor)
    back = {"path": "README.md", "old_text": "sums", "new_text": "adds"}
    result = await session.run("2", "apply_edit", json.dumps(back), editor)
    assert (result.decision, len(editor.requests)) == ("session", 1)
    assert (folder / "README.md").read_text().endswith("It adds.\n")


async def test_permission_for_a_command_holds_for_that_command(editor: FakeEditor) -> None:
    editor.answer = Decision.SESSION
    session = runner(editor, permissions={"run_command": "ask"})
    for command in ("echo a", "echo b", "echo a"):
        await session.run("1", "run_command", json.dumps({"command": command}), editor)
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
async def test_the_settings_decide_first(
    editor: FakeEditor, settings: dict[str, object], decision: str
) -> None:
    result = await call(editor, "apply_edit", EDIT, **settings)
    assert (result.decision or "none") == decision


async def test_a_workspace_has_permissions_of_its_own(editor: FakeEditor, folder: Path) -> None:
    allowed = {str(folder): {"apply_edit": "allow"}, "/elsewhere": {"*": "deny"}}
    assert (await call(editor, "apply_edit", EDIT, workspaces=allowed)).decision == "allow"


async def test_of_several_folders_the_strictest_counts(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    editor = FakeEditor(folder, other)
    rules = {str(folder): {"apply_edit": "allow"}, str(other): {"apply_edit": "deny"}}
    result = await call(editor, "apply_edit", EDIT, workspaces=rules)
    assert result.text.startswith("There is no tool apply_edit.")


def test_commands_are_not_offered_until_the_settings_name_them(editor: FakeEditor) -> None:
    def names(**settings: object) -> set[str]:
        return {tool.name for tool in runner(editor, **settings).list_allowed_tools(editor)}

    assert "run_command" not in names()
    assert "run_command" not in names(permissions={"*": "allow"})
    assert "run_command" in names(permissions={"run_command": "ask"})


async def test_what_instructs_other_programs_is_asked_about_whatever_is_allowed(
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


async def test_a_program_that_leaves_its_group_keeps_nobody_waiting(editor: FakeEditor) -> None:
    settings = {"permissions": {"run_command": "allow"}, "timeout_s": 0.5}
    result = await call(editor, "run_command", {"command": "setsid sleep 5 & exit 0"}, **settings)
    assert result.text == "It took longer than 0.5 s and was stopped."


async def test_a_long_result_is_cut_and_says_so(editor: FakeEditor, folder: Path) -> None:
    (folder / "long.txt").write_text("x" * 1000)
    result = await call(editor, "read_file", {"path": "long.txt"}, output_limit=100)
    assert result.text.endswith("x\n[929 characters more; request less at once]")


async def test_a_call_that_is_no_json_or_of_no_tool_is_answered(editor: FakeEditor) -> None:
    session = runner(editor)
    broken = await session.run("1", "read_file", "{", editor)
    assert broken.text.startswith("The arguments are not valid JSON")
    listed = await session.run("1", "read_file", "[]", editor)
    assert listed.text == "The arguments must be a JSON object."
    unknown = await session.run("1", "fly", "{}", editor)
    assert unknown.text.startswith("There is no tool fly. There are: read_file, list_directory")


async def test_every_call_is_written_down_for_the_user_alone(editor: FakeEditor) -> None:
    await call(editor, "read_file", {"path": "README.md"})
    await call(editor, "apply_edit", {**EDIT, "new_text": "y" * 300})
    await call(editor, "read_file", {"path": "../secret.txt"})
    lines = [json.loads(line) for line in record(editor).read_text().splitlines()]
    assert [(line["tool"], line["decision"], line["outcome"][:6]) for line in lines] == [
        ("read_file", "allow", "done"),
        ("apply_edit", "once", "done"),
        ("read_file", "none", "failed"),
    ]
    assert lines[1]["arguments"]["new_text"] == "y" * 200 + "… (300 characters)"
    assert record(editor).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
async def test_a_call_that_is_cancelled_is_written_down_and_stops(editor: FakeEditor) -> None:
    session = runner(editor, permissions={"run_command": "allow"})
    os.mkfifo(editor.folders[0] / "started")
    command = json.dumps({"command": "echo > started; sleep 60; touch ended"})
    running = asyncio.create_task(session.run("1", "run_command", command, editor))
    async with asyncio.timeout(30):
        await asyncio.to_thread((editor.folders[0] / "started").read_text)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert json.loads(record(editor).read_text())["outcome"] == "failed: It was stopped."
