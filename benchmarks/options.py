"""Command-line options that several benchmarks share."""

import argparse
import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path

from benchmarks.servers.daemon import Checkout

BASELINE = "baseline"
"""The name of the side that an older version of copilotd has."""


def create_parser(
    description: str | None, model_help: str = "a GGUF file"
) -> argparse.ArgumentParser:
    """A parser that shows `description` with its own line breaks and requires `--model`."""
    parser = create_parser_without_model(description)
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    return parser


def create_parser_without_model(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows `description` with its own line breaks."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_choice(
    parser: argparse.ArgumentParser,
    flag: str,
    known: Collection[str],
    default: str = "",
    note: str = "",
) -> None:
    """Add an option that takes some of the `known` names, separated by commas.

    `default` is a value of the option; without it, the default is all names. `note` ends the help.
    """
    parser.add_argument(
        flag,
        type=partial(_split_names, known),
        default=_split_names(known, default) if default else list(known),
        help=f"some of {', '.join(known)} (default {default or 'all'}){note}",
    )


def add_baseline(parser: argparse.ArgumentParser) -> None:
    """Add the options that name an older version; `read_baseline` reads them."""
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="CHECKOUT",
        help="also run the daemon of this checkout of copilotd, as a side named baseline",
    )
    parser.add_argument(
        "--baseline-python",
        type=Path,
        metavar="PYTHON",
        help="an interpreter with the dependencies of the baseline (default: this one)",
    )


def read_baseline(options: argparse.Namespace) -> Checkout | None:
    """The checkout that the options name.

    Raises: SystemExit if it is no checkout of copilotd.
    """
    folder: Path | None = options.baseline
    if folder is None:
        return None
    if not (folder / "copilotd" / "__main__.py").exists():
        raise SystemExit(f"{folder} is no checkout of copilotd")
    # Not resolved: a virtual environment's interpreter is a link.
    python = options.baseline_python or Path(sys.executable)
    return Checkout(folder.resolve(), python.absolute())


def list_versions(options: argparse.Namespace) -> dict[str, Checkout | None]:
    """The daemons that a benchmark compares: this one, and the baseline if there is one."""
    baseline = read_baseline(options)
    return {"copilotd": None} | ({BASELINE: baseline} if baseline else {})


def _split_names(known: Collection[str], text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(known):
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(unknown)}; known: {', '.join(known)}"
        )
    return names
