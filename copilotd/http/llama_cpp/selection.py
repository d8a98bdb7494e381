"""The fields of a response that the client selects."""

from typing import Any


def select_fields(response: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """The `fields` that the response has, under the names in `fields`; all if `fields` is empty.

    `timings/prompt_n` names a field inside another.
    """
    if not fields:
        return response
    values = {name: _get_value(response, name.split("/")) for name in fields}
    return {name: value for name, value in values.items() if value is not None}


def _get_value(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
