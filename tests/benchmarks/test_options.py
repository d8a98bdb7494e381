"""The options that several benchmarks share."""

import sys
from pathlib import Path

import pytest

from benchmarks.options import add_baseline, create_parser_without_model, list_versions
from benchmarks.servers.daemon import PYTHON, Checkout, run_copilotd


def parse(*words: str) -> dict[str, Checkout | None]:
    parser = create_parser_without_model("")
    add_baseline(parser)
    return list_versions(parser.parse_args(words))


def create_checkout(folder: Path) -> Path:
    """A version of copilotd that prints its arguments."""
    (folder / "copilotd").mkdir()
    (folder / "copilotd" / "__init__.py").touch()
    (folder / "copilotd" / "__main__.py").write_text("import sys; print('older', *sys.argv[1:])")
    return folder


def test_without_a_baseline_there_is_this_version_alone() -> None:
    assert parse() == {"copilotd": None}


def test_a_baseline_runs_with_this_interpreter_or_its_own(tmp_path: Path) -> None:
    folder = str(create_checkout(tmp_path))
    own = Checkout(tmp_path.resolve(), Path(sys.executable).absolute())
    assert parse("--baseline", folder) == {"copilotd": None, "baseline": own}
    other = parse("--baseline", folder, "--baseline-python", "/usr/bin/python3")["baseline"]
    assert other and other.env == {"PYTHONPATH": str(own.folder), PYTHON: "/usr/bin/python3"}


def test_a_folder_without_copilotd_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no checkout"):
        parse("--baseline", str(tmp_path))


def test_the_command_line_of_a_baseline_is_the_older_one(tmp_path: Path) -> None:
    checkout = Checkout(create_checkout(tmp_path), Path(sys.executable))
    assert run_copilotd(checkout.env, "status", "--json") == "older status --json\n"
