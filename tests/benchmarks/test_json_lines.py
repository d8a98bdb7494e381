"""A run that was stopped continues."""

from pathlib import Path

from benchmarks.json_lines import JsonLines


def test_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    JsonLines(path).add({"side": "a", "n": 1})
    again = JsonLines(path)
    again.add({"side": "b", "n": 2})
    assert JsonLines(path).rows == [{"side": "a", "n": 1}, {"side": "b", "n": 2}]
    assert [*again.select(side="b")] == [{"side": "b", "n": 2}]


def test_an_incomplete_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 1}\n{"n": ')
    rows = JsonLines(path)
    rows.add({"n": 2})
    assert JsonLines(path).rows == [{"n": 1}, {"n": 2}]
