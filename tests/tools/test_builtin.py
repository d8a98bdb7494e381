"""The result that the model reads from each tool."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.fake_editor import FakeEditor, call

RUN = {"permissions": {"run_command": "ask"}}


async def test_read_file_returns_the_requested_lines(editor: FakeEditor) -> None:
    result = await call(
        editor, "read_file", {"path": "app/sums.py", "first_line": 2, "last_line": 5}
    )
    assert result.text == "app/sums.py, lines 2 to 5 of 6:\n    return a + b\n\n\nclass Sum:"
    assert (result.title, result.is_failure) == ("Read app/sums.py", False)


async def test_read_file_returns_the_unsaved_text_of_an_open_file(
    editor: FakeEditor, folder: Path
) -> None:
    editor.open_files[folder / "README.md"] = "unsaved\n"
    result = await call(editor, "read_file", {"path": "README.md"})
    assert result.text == "README.md, lines 1 to 1 of 1:\nunsaved"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "no.py"}, "There is no file no.py."),
        ({"path": "app"}, "app is a folder. Use list_directory to see its files."),
        ({"path": "README.md", "first_line": 9}, "README.md has lines 1 to 3."),
        ({}, "Wrong arguments: Object missing required field `path`."),
        (
            {"path": "README.md", "first_line": 0},
            "Wrong arguments: Expected `int` >= 1 - at `$.first_line`.",
        ),
    ],
)
async def test_a_wrong_call_gets_an_error_that_names_the_problem(
    editor: FakeEditor, arguments: dict[str, object], message: str
) -> None:
    result = await call(editor, "read_file", arguments)
    assert (result.text, result.is_failure) == (message, True)


async def test_a_binary_file_is_not_read(editor: FakeEditor, folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"a\0b")
    assert (await call(editor, "read_file", {"path": "a.bin"})).text == "a.bin is not a text file."


async def test_a_listing_has_no_ignored_files_and_no_secrets(
    editor: FakeEditor,
) -> None:
    result = await call(editor, "list_directory", {"depth": 2})
    assert result.text == "app/\n  sums.py\n.gitignore\nREADME.md\nkeep.log"


async def test_search_ignores_case_and_skips_ignored_files(editor: FakeEditor) -> None:
    result = await call(editor, "search", {"text": "ADD"})
    assert result.text == (
        "README.md:3: It adds.\nkeep.log:1: added\napp/sums.py:1: def add(a, b):"
    )


async def test_search_can_be_limited_to_one_file(editor: FakeEditor) -> None:
    result = await call(editor, "search", {"text": "class", "path": "README.md"})
    assert result.text == "No file contains 'class'."


async def test_symbols_finds_definitions_by_part_of_the_name(editor: FakeEditor) -> None:
    assert (await call(editor, "symbols", {"name": "su"})).text == "app/sums.py:5: class Sum:"


async def test_diagnostics_returns_the_errors_of_the_editor(editor: FakeEditor) -> None:
    editor.diagnostics = ["app/sums.py:2: error: b is not defined"]
    result = await call(editor, "diagnostics", {"path": "app/sums.py"})
    assert result.text == "app/sums.py:2: error: b is not defined"


@pytest.fixture
def repository(folder: Path) -> Path:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", "--force", ".")
    git("commit", "-m", "Add sums")
    (folder / "README.md").write_text("# Sums\n\nIt adds two.\n")
    (folder / ".env").write_text("KEY=another secret\n")
    return folder


async def test_git_tools_show_changes_but_no_secrets(editor: FakeEditor, repository: Path) -> None:
    status = await call(editor, "git_status", {})
    assert status.text == "## main\n M .env\n M README.md"
    diff = await call(editor, "git_diff", {})
    assert diff.text.endswith("-It adds.\n+It adds two.")
    assert "secret" not in diff.text
    log = await call(editor, "git_log", {"count": 1})
    assert log.text.endswith("Ada: Add sums")


async def test_without_a_repository_the_result_is_the_error_message_of_git(
    editor: FakeEditor,
) -> None:
    result = await call(editor, "git_log", {})
    assert result.is_failure
    assert "not a git repository" in result.text


async def test_an_edit_is_shown_as_a_diff_and_then_applied(
    editor: FakeEditor, folder: Path
) -> None:
    edit = {"path": "app/sums.py", "old_text": "a + b", "new_text": "b + a"}
    result = await call(editor, "apply_edit", edit)
    assert result.text == "app/sums.py was changed."
    assert "return b + a" in (folder / "app/sums.py").read_text()
    assert editor.requests[0].title == "Edit app/sums.py"
    assert "-    return a + b\n+    return b + a\n" in editor.requests[0].diff


async def test_an_edit_keeps_the_line_endings_of_the_file(editor: FakeEditor, folder: Path) -> None:
    (folder / "dos.txt").write_bytes(b"a\r\nb\r\nc\r\n")
    await call(editor, "apply_edit", {"path": "dos.txt", "old_text": "a\nb", "new_text": "x\ny"})
    assert (folder / "dos.txt").read_bytes() == b"x\r\ny\r\nc\r\n"


async def test_an_edit_can_create_a_file(editor: FakeEditor, folder: Path) -> None:
    edit = {"path": "app/new.py", "old_text": "", "new_text": "x = 1\n"}
    assert (await call(editor, "apply_edit", edit)).text == "app/new.py was created."
    assert editor.requests[0].title == "Create app/new.py"
    assert editor.requests[0].diff == "--- /dev/null\n+++ b/app/new.py\n@@ -0,0 +1 @@\n+x = 1\n"


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("README.md", "no", "x", "does not contain that old_text"),
        ("README.md", "d", "x", "contains that old_text 2 times"),
        ("README.md", "", "x", "README.md exists"),
        ("new.md", "a", "x", "There is no file new.md"),
        ("README.md", "adds", "adds", "are the same"),
    ],
)
async def test_an_ambiguous_edit_fails_without_asking_the_user(
    editor: FakeEditor, path: str, old: str, new: str, message: str
) -> None:
    if message.startswith("contains"):
        (editor.folders[0] / path).write_text("d d")
    result = await call(editor, "apply_edit", {"path": path, "old_text": old, "new_text": new})
    assert message in result.text
    assert editor.requests == []


async def test_a_file_that_changes_while_the_user_decides_is_not_edited(
    editor: FakeEditor, folder: Path
) -> None:
    file = folder / "README.md"

    class Slow(FakeEditor):
        async def request_approval(self, request: object) -> object:  # type: ignore[override]
            file.write_text("mine\n")
            return self.answer

    edit = {"path": "README.md", "old_text": "adds", "new_text": "sums"}
    result = await call(Slow(folder), "apply_edit", edit)
    assert result.text == "README.md has changed in the meantime. Read it again."
    assert file.read_text() == "mine\n"


async def test_a_command_is_shown_and_runs_in_the_workspace(
    editor: FakeEditor, folder: Path
) -> None:
    command = f"{sys.executable} -c 'import os; print(os.getcwd()); exit(3)'"
    result = await call(editor, "run_command", {"command": command}, **RUN)
    assert result.text == f"Exit code 3.\n{folder}"
    assert editor.requests[0].command == command


async def test_a_command_gets_no_secrets_from_the_environment(
    editor: FakeEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "the secret")
    monkeypatch.setenv("COPILOTD_UPSTREAM__KEY", "the secret")
    result = await call(editor, "run_command", {"command": "env"}, **RUN)
    assert "PATH=" in result.text
    assert "the secret" not in result.text


async def test_the_arguments_of_a_command_tool_do_not_pass_through_a_shell(
    editor: FakeEditor,
) -> None:
    mine = {"command": ["echo", "say: {what}"], "description": "", "parameters": {"what": ""}}
    arguments = {"what": "$(id); {what}"}
    result = await call(editor, "echo", arguments, commands={"echo": mine})
    assert result.text == "Exit code 0.\nsay: $(id); {what}"
    assert editor.requests[0].command == "echo 'say: $(id); {what}'"
