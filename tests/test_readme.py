"""The README keeps what it promises."""

import re

from tests.readme import README, written

TEXT = README.read_text(encoding="utf-8")


def test_the_table_of_commands_is_that_of_the_command_line() -> None:
    assert written(TEXT) == TEXT


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_there_is_one_command_that_passes_the_tests() -> None:
    assert re.findall(r"^pip install .*pytest.*$", TEXT, re.MULTILINE) == [
        "pip install -e '.[test]' && pytest"
    ]
