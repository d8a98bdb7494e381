"""Command-line options that several benchmarks share."""

import argparse
from collections.abc import Collection
from functools import partial
from pathlib import Path


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


def _split_names(known: Collection[str], text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(known):
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(unknown)}; known: {', '.join(known)}"
        )
    return names
