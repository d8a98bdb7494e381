"""Holes of repositories, as the benchmarks read and cut them."""

import io
import json
import tarfile
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fim_layouts.inserted_lines import INSERTED, to_line
from benchmarks.new_place import Step, build_plan, build_row
from benchmarks.new_places.clients import Answer
from benchmarks.new_places.files import Cursor, choose_files, cut_holes
from benchmarks.new_places.table import render_comparisons, render_table
from benchmarks.workloads.holes import Hole, SourceFile, load_holes, load_sources

TEXT = "def add(a, b):\n    total = a + b\n    return total\n"


def write_repository(folder: Path, files: dict[str, bytes], *rows: dict[str, Any]) -> None:
    with tarfile.open(folder / "repo.tar.gz", "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"repo/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    lines = [json.dumps(row) for row in rows]
    (folder / "repo.jsonl").write_text("\n".join(lines) + "\n")


def build_hole(gold: str, text: str = TEXT) -> Hole:
    return Hole(f"hole {gold}", SourceFile("repo/add.py", text), text.index(gold), gold)


def test_a_hole_is_read_with_its_file(tmp_path: Path) -> None:
    row = {"id": "one", "path": "a/add.py", "at": 19, "gold": "total = a + b", "lines": 1}
    write_repository(tmp_path, {"a/add.py": TEXT.encode(), "b.bin": b"\xff\xfe"}, row)
    [hole] = load_holes(tmp_path)
    assert (hole.name, hole.file.name, hole.file.language) == ("one", "repo/a/add.py", "python")
    assert (hole.before, hole.after) == ("def add(a, b):\n    ", "\n    return total\n")
    assert [file.name for file in load_sources(tmp_path)] == ["repo/a/add.py"]


def test_a_gold_that_does_not_stand_there_is_an_error(tmp_path: Path) -> None:
    row = {"id": "one", "path": "add.py", "at": 18, "gold": "total = a + b"}
    write_repository(tmp_path, {"add.py": TEXT.encode()}, row)
    with pytest.raises(ValueError, match="does not stand"):
        load_holes(tmp_path)


def test_all_holes_of_a_file_are_cut_out_and_their_cursors_move_along() -> None:
    holes = [build_hole("return total"), build_hole("a + b\n"), build_hole("a, b")]
    file = cut_holes(holes)
    assert file.text == "def add():\n    total =     \n"
    before = {cursor.hole.gold: file.text[: cursor.offset] for cursor in file.cursors}
    assert before == {
        "a, b": "def add(",
        "a + b\n": "def add():\n    total = ",
        "return total": "def add():\n    total =     ",
    }


def test_a_hole_that_overlaps_another_one_is_left_out() -> None:
    file = cut_holes([build_hole("a + b\n"), build_hole("+ b\n    return")])
    assert [cursor.hole.gold for cursor in file.cursors] == ["a + b\n"]


def test_only_files_of_the_right_length_are_chosen_until_there_are_enough_holes() -> None:
    long = [
        Hole(f"{name}", SourceFile(f"repo/{name}.py", f"{name} = 1\n" * 100), 0, name)
        for name in "abcd"
    ]
    files = choose_files([*long, build_hole("a + b")], limit=2)
    assert len(files) == 2
    assert files == choose_files(long, limit=3)[:2]
    assert len(choose_files(long, limit=99)) == 4


def answer(text: str, first_ms: float | None = 30.0, first_text: str | None = None) -> Answer:
    return Answer(text if first_text is None else first_text, text, first_ms, 5, 0.5)


@pytest.mark.parametrize(
    ("text", "is_exact", "characters"),
    [
        ("total = a + b", True, 13),
        ("total = a + b  \n    return", True, 13),
        ("total = a - b", False, 10),
        ("\n    total = a + b", False, 0),
        ("", False, 0),
    ],
)
def test_the_first_line_is_compared_with_that_of_the_hole(
    text: str, is_exact: bool, characters: int
) -> None:
    row = build_row(Cursor(build_hole("total = a + b\n    return total"), 19), answer(text))
    assert (row["is_exact"], row["right_characters"]) == (is_exact, characters)


def test_a_part_that_is_shown_first_is_not_exact_yet() -> None:
    part = answer("total = a + b", first_text="total =")
    row = build_row(Cursor(build_hole("total = a + b"), 19), part)
    assert (row["is_exact_at_first"], row["is_exact"]) == (False, True)


def build_result(side: str, idle: float, hole: str, text: str) -> dict[str, Any]:
    about = {"side": side, "idle": idle, "file": "f", "file_tokens": 9, "idle_s": idle}
    row = build_row(Cursor(build_hole("total = a + b"), 19), answer(text))
    return about | row | {"hole": hole, "idle_cpu_s": 1.0}


def test_the_table_has_a_column_for_each_side_and_idle_time() -> None:
    rows = [
        build_result("copilotd", 0, "1", "total = a + b"),
        build_result("copilotd", 0.5, "2", "pass"),
        build_result("whole", 0, "2", "total = a + b"),
    ]
    lines = render_table(rows).splitlines()
    assert lines[0] == "| | copilotd, idle 0 | copilotd, idle 0.5 | whole, idle 0 |"
    assert (
        "| first line exact once it is written | 1 of 1 = 100.0 % | 0 of 1 = 0.0 % "
        "| 1 of 1 = 100.0 % |"
    ) in lines


def test_a_side_that_is_asked_at_once_is_compared_with_every_idle_time() -> None:
    rows = [
        build_result("copilotd", 0, "1", "total = a + b"),
        build_result("copilotd", 0.5, "2", "pass"),
        build_result("whole", 0, "2", "total = a + b"),
    ]
    first, second = render_comparisons(rows, "copilotd").splitlines()[2:]
    assert first == "| copilotd, idle 0 less whole, idle 0 | - | - | - | 0 |"
    assert second.startswith("| copilotd, idle 0.5 less whole, idle 0 | -100.0 points")
    assert second.endswith("| 1 |")


def test_a_hole_becomes_a_line_that_is_typed_up_to_it() -> None:
    hole = to_line(build_hole("a + b\n    return total"))
    assert (hole.source, hole.before) == (INSERTED, "def add(a, b):\n")
    assert (hole.left, hole.rest, hole.after) == ("    total = ", "a + b", "\n")
    assert hole.point == "inside a line"


def test_a_hole_in_the_first_line_has_nothing_before_it() -> None:
    hole = to_line(build_hole("(a, b):"))
    assert (hole.before, hole.left, hole.rest) == ("", "def add", "(a, b):")


def plan(*, cross: bool, sides: tuple[str, ...] = ("copilotd", "whole")) -> list[Step]:
    files = [cut_holes([build_hole("a + b")]), cut_holes([build_hole("return total")])]
    named = [replace(file, source=SourceFile(f"{at}.py", TEXT)) for at, file in enumerate(files)]
    options = Namespace(idles=["0", "1"], baseline_idles=["0"], cross=cross)
    return build_plan(options, sides, named)


def describe(step: Step) -> tuple[str, float, str, float]:
    return step.side, step.idle, step.file.source.name, step.servers


def test_each_file_is_opened_after_one_idle_time_by_servers_that_stay() -> None:
    steps = [describe(step) for step in plan(cross=False)]
    assert steps == [
        ("copilotd", 0.0, "0.py", 0.0),
        ("whole", 0.0, "0.py", 0.0),
        ("copilotd", 1.0, "1.py", 0.0),
        ("whole", 0.0, "1.py", 0.0),
    ]


def test_each_file_is_opened_after_every_idle_time_by_new_servers() -> None:
    steps = [describe(step) for step in plan(cross=True)]
    assert steps == [
        ("copilotd", 0.0, "0.py", 0.0),
        ("whole", 0.0, "0.py", 0.0),
        ("whole", 0.0, "1.py", 0.0),
        ("copilotd", 0.0, "1.py", 0.0),
        ("copilotd", 1.0, "0.py", 1.0),
        ("copilotd", 1.0, "1.py", 1.0),
    ]


def test_a_baseline_waits_only_for_its_own_idle_times() -> None:
    steps = [describe(step) for step in plan(cross=False, sides=("copilotd", "baseline"))]
    assert steps == [
        ("copilotd", 0.0, "0.py", 0.0),
        ("baseline", 0.0, "0.py", 0.0),
        ("copilotd", 1.0, "1.py", 0.0),
        ("baseline", 0.0, "1.py", 0.0),
    ]
