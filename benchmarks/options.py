"""Command-line options that several benchmarks share."""

import argparse
from collections.abc import Callable, Collection
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


def make_sides_parser(known: Collection[str]) -> Callable[[str], list[str]]:
    """Returns a type for argparse that splits names at commas and rejects unknown names."""

    def parse_sides(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(unknown)}; known: {', '.join(known)}"
            )
        return names

    return parse_sides
