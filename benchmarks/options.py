"""Which sides of a benchmark to run, as its `--sides` names them."""

import argparse
from collections.abc import Callable, Collection


def make_sides_parser(known: Collection[str]) -> Callable[[str], list[str]]:
    """Reads names with commas between them; a type for argparse, which refuses unknown ones."""

    def sides(words: str) -> list[str]:
        names = words.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(unknown)}; known: {', '.join(known)}"
            )
        return names

    return sides
