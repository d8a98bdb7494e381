import json
from pathlib import Path

import pytest
import typer

from copilotd.cli.cursor import locate
from copilotd.cli.views.ghost_text import draw_ghost_text
from copilotd.completion.types import Completion
from tests.daemon.temp_user import Home

SOURCE = "import math\n\n\ndef add(a, b):\n    return \n\n\nprint(add(1, 2))\nprint(math.pi)\n"


@pytest.fixture
def source(home: Home) -> Path:
    return write_source(home)


def write_source(home: Home) -> Path:
    file = home.folder / "app.py"
    file.write_text(SOURCE, "utf-8")
    return file


def test_ghost_text_is_shown_between_the_lines_around_it(
    home_with_daemon: Home,
) -> None:
    write_source(home_with_daemon)

    done = home_with_daemon.run("complete", "app.py:5:12")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "2 │ \n3 │ \n4 │ def add(a, b):\n5 │     return a + b\n6 │ \n7 │ \n8 │ print(add(1, 2))\n"
    )


def test_the_explanation_has_the_prompt_and_the_output(home: Home, source: Path) -> None:
    home.launch()

    shown = home.run("complete", "app.py:5", "--explain").stdout

    picture, outcome, prompt = shown.partition("outcome")[0], *shown.partition("prompt ─")[::2]
    assert "5 │     return a + b\n" in picture
    assert "outcome   shown: the model's answer\nsource    engine, mode line\n" in outcome
    assert "def add(a, b):\n    return \nmodel wrote" in prompt
    assert "a + b\n" in prompt.partition("model wrote ─")[2]


def test_the_outcome_as_json_has_the_text_and_its_position(home_with_daemon: Home) -> None:
    write_source(home_with_daemon)

    outcome = json.loads(home_with_daemon.run("complete", "app.py:5:12", "--json").stdout)

    offset = SOURCE.index("return ") + len("return ")
    assert outcome["status"] == "shown"
    assert outcome["completion"]["text"] == "a + b"
    assert (outcome["completion"]["start"], outcome["completion"]["end"]) == (offset, offset)


def test_the_automatic_text_obeys_the_settings_and_the_invoked_one_is_always_there(
    home: Home, source: Path
) -> None:
    home.run("config", "set", "completion.enabled", "false")
    home.launch()

    automatic = home.run("complete", "app.py:5:12", "--auto")
    invoked = home.run("complete", "app.py:5:12")

    assert "ghost text is switched off" in automatic.stderr
    assert "return a + b" in invoked.stdout


def test_the_reason_for_no_ghost_text_is_printed(home_with_daemon: Home) -> None:
    file = home_with_daemon.folder / "end.py"
    file.write_text("x = 1a + b\n", "utf-8")

    done = home_with_daemon.run("complete", "end.py:1:6")

    assert done.stdout == ""
    assert done.stderr.startswith("No ghost text (empty): ")


def test_a_daemon_is_started_if_none_runs(home: Home, source: Path) -> None:
    done = home.run(
        "complete",
        "app.py:5",
        COPILOTD_SERVER__PORT="0",
        COPILOTD_MODEL__AUTO_DOWNLOAD="false",
        COPILOTD_MODEL__NAME="qwen2.5-coder-0.5b-instruct",
    )

    assert done.stderr.splitlines()[0] == "No daemon runs: starting one (copilotd stop ends it)."
    assert done.stderr.splitlines()[-1].startswith(
        "No ghost text (failed): The model qwen2.5-coder-0.5b-instruct is not installed, and "
        "model.auto_download is off"
    )
    assert done.returncode == 1
    assert home.run("status").returncode == 0


@pytest.mark.parametrize(
    ("place", "left_of_the_cursor"),
    [
        ("app.py:1", "import math"),
        ("app.py:1:1", ""),
        ("app.py:1:7", "import"),
        ("app.py:5", "return "),
        ("app.py:10", ""),
    ],
)
def test_a_position_is_a_line_and_a_column_that_count_from_one(
    source: Path, place: str, left_of_the_cursor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)

    cursor = locate(place)

    line = cursor.text[: cursor.offset].rpartition("\n")[2]
    assert (cursor.path, line.lstrip()) == (Path("app.py"), left_of_the_cursor)


def test_columns_count_characters_and_not_bytes(tmp_path: Path) -> None:
    file = tmp_path / "ä:1.py"
    file.write_bytes("ü = 'é𝄞'\r\nx\r\n".encode())

    assert [locate(f"{file}:{place}").offset for place in ("1:1", "1", "2:1", "2")] == [
        0,
        8,
        10,
        11,
    ]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("app.py", "'app.py' is not FILE:LINE or FILE:LINE:COL, as in app.py:12:9"),
        ("app.py:x", "'app.py:x' is not FILE:LINE or FILE:LINE:COL, as in app.py:12:9"),
        ("none.py:1", "there is no file none.py"),
        ("app.py:0", "app.py has lines 1 to 10, not 0"),
        ("app.py:11", "app.py has lines 1 to 10, not 11"),
        ("app.py:1:13", "line 1 of app.py has columns 1 to 12"),
        ("binary:1", "binary cannot be read as text: "),
    ],
)
def test_an_invalid_position_is_a_usage_error(
    source: Path, place: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    Path("binary").write_bytes(b"\xff\xfe")

    with pytest.raises(typer.BadParameter) as caught:
        locate(place)

    assert caught.value.message.startswith(message)


def test_each_line_of_ghost_text_is_marked_and_the_rest_of_the_line_follows() -> None:
    text = "".join(f"line {number}\n" for number in range(8, 12)) + "call()\nlast\n"
    start = text.index("call(") + len("call(")
    ghost = Completion("id", "\n    a,\n    b,\n)", start, start + 1)

    assert draw_ghost_text(text, ghost).plain == (
        "2 │ line 9\n"
        "3 │ line 10\n"
        "4 │ line 11\n"
        "5 │ call(\n"
        "+ │     a,\n"
        "+ │     b,\n"
        "+ │ )\n"
        "6 │ last\n"
        "7 │ "
    )


def test_only_the_ghost_text_has_its_style() -> None:
    drawn = draw_ghost_text("x = \n", Completion("id", "1 + 1", 4, 4))

    ghost = [
        drawn.plain[span.start : span.end] for span in drawn.spans if "italic" in str(span.style)
    ]
    assert ghost == ["1 + 1"]
