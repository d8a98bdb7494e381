import pytest

from copilotd.cli.jsonc import parse, set_member

COMMENTED = """\
// mine
{
    "editor.fontSize": 14, // big
    /* "a": 1, */
    "b": {"c": [1, 2,],}, // "b": 2
}
"""


def test_comments_and_trailing_commas_are_skipped() -> None:
    assert parse(COMMENTED) == {"editor.fontSize": 14, "b": {"c": [1, 2]}}
    assert parse("") == {}


@pytest.mark.parametrize("text", ["[]", "{", "3", '{"a" 1}', "// nothing but {"])
def test_a_file_that_is_not_an_object_is_refused(text: str) -> None:
    if text.startswith("//"):
        assert parse(text) == {}
    else:
        with pytest.raises(ValueError):
            parse(text)


@pytest.mark.parametrize(
    ("text", "value", "after"),
    [
        ("", 1, '{\n    "x": 1\n}\n'),
        ("{}", 1, '{\n    "x": 1\n}'),
        ('{\n    "a": 1\n}\n', 2, '{\n    "x": 2,\n    "a": 1\n}\n'),
        ('{ "a": 1 }', {"y": "z"}, '{\n    "x": {\n        "y": "z"\n    },\n "a": 1 }'),
        (
            '{ // mine\n  "x": [1, 2], // old\n  "a": 1\n}',
            3,
            '{ // mine\n  "x": 3, // old\n  "a": 1\n}',
        ),
        (
            '{\n  "a": {"x": 1},\n  "x": {"x": 2} // 3\n}',
            4,
            '{\n  "a": {"x": 1},\n  "x": 4 // 3\n}',
        ),
    ],
)
def test_setting_a_member_changes_nothing_else(text: str, value: object, after: str) -> None:
    assert set_member(text, "x", value) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{\n  "x": 1\n}', "{\n}"),
        ('{\n  "x": 1,\n  "a": 1\n}', '{\n  "a": 1\n}'),
        ('{\n  "a": 1, // first\n  "x": {"y": [1]},\n}\n', '{\n  "a": 1, // first\n}\n'),
        ('{\n  "a": 1,\n  "x": 2\n}', '{\n  "a": 1\n}'),
        ('{\n  "a": 1\n}', '{\n  "a": 1\n}'),
    ],
)
def test_removing_a_member_changes_nothing_else(text: str, after: str) -> None:
    assert set_member(text, "x", None) == after


@pytest.mark.parametrize("text", ["", "{}", COMMENTED, '{"a": 1}'])
def test_a_member_that_was_set_can_be_removed_again(text: str) -> None:
    there = set_member(text, "x", {"y": 1})
    assert parse(there) == {**parse(text), "x": {"y": 1}}
    assert parse(set_member(there, "x", None)) == parse(text)
