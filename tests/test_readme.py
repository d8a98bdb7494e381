"""The README keeps what it promises."""

import re
import tomllib

import pytest

from copilotd.config import Settings
from tests.readme import README, written

TEXT = README.read_text(encoding="utf-8")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "editors/README.md",
    "editors/vim/README.md",
    "benchmarks/RESULTS.md",
]


def test_the_table_of_commands_is_that_of_the_command_line() -> None:
    assert written(TEXT) == TEXT


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_linked_exists(page: str) -> None:
    path = README.parent / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_settings_that_are_shown_are_such() -> None:
    shown = re.findall(r"```toml\n(\[tools.*?)```", TEXT, re.DOTALL)
    settings = [Settings(**tomllib.loads(text)) for text in shown]
    assert [list(each.tools.mcp) for each in settings] == [["files", "tracker"]]


def test_there_is_one_command_that_passes_the_tests() -> None:
    assert re.findall(r"^pip install .*pytest.*$", TEXT, re.MULTILINE) == [
        "pip install -e '.[test]' && pytest"
    ]
