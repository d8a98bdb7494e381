"""The fields of an answer that a client wants to see."""

from typing import Any


def selected(answer: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """Those of `fields` that there are, under the names that were asked for; all if it is empty.

    `timings/prompt_n` is one inside another.
    """
    if not fields:
        return answer
    found = {name: _at(answer, name.split("/")) for name in fields}
    return {name: value for name, value in found.items() if value is not None}


def _at(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
