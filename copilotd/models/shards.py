"""File names of a split model, as llama.cpp writes them: NAME-00001-of-0000N.gguf."""

import re
from pathlib import PurePath
from typing import TypeVar

SHARD = re.compile(r"-\d{5}-of-(?P<count>\d{5})(?=\.gguf$)", re.IGNORECASE)

P = TypeVar("P", bound=PurePath)


def list_parts(path: P) -> list[P]:
    """Return all files of a model by its first file: only `path`, or every part."""
    match = SHARD.search(path.name)
    return number_parts(
        path.with_name(SHARD.sub("", path.name)), int(match["count"]) if match else 1
    )


def number_parts(path: P, count: int) -> list[P]:
    """Return the paths of the `count` parts of the model `path`; only `path` for one part."""
    if count == 1:
        return [path]
    return [
        path.with_name(f"{path.stem}-{number:05}-of-{count:05}{path.suffix}")
        for number in range(1, count + 1)
    ]


def strip_part_number(path: PurePath) -> str:
    """Return the file name of a model without part number and extension."""
    return path.with_name(SHARD.sub("", path.name)).stem
