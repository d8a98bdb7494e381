"""How llama.cpp names the files of a model that is split over several."""

import re
from pathlib import PurePath
from typing import TypeVar

SHARD = re.compile(r"-\d{5}-of-(?P<count>\d{5})(?=\.gguf$)", re.IGNORECASE)

P = TypeVar("P", bound=PurePath)


def list_parts(path: P) -> list[P]:
    """All files of the model that `path` begins: itself, or the parts that its name counts."""
    match = SHARD.search(path.name)
    return number_parts(
        path.with_name(SHARD.sub("", path.name)), int(match["count"]) if match else 1
    )


def number_parts(path: P, count: int) -> list[P]:
    """The names of `count` parts of the model `path`; itself if there is one part only."""
    if count == 1:
        return [path]
    return [
        path.with_name(f"{path.stem}-{number:05}-of-{count:05}{path.suffix}")
        for number in range(1, count + 1)
    ]


def strip_part_number(path: PurePath) -> str:
    """The name of a model's first file, without number and ending."""
    return path.with_name(SHARD.sub("", path.name)).stem
