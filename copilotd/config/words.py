"""What a setting accepts, and what is wrong with a value, in words for a person."""

from difflib import get_close_matches
from types import UnionType
from typing import Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from copilotd.config.sections import tables
from copilotd.errors import ConfigError


def allowed_values(key: str) -> str:
    """What the setting `section.name` accepts."""
    section, _, name = key.partition(".")
    if section not in tables():
        return "the tables " + ", ".join(tables())
    fields = tables()[section].model_fields
    if name not in fields:
        return f"in [{section}] the keys {', '.join(fields)}"
    return _allowed(fields[name])


def explained(detail: ErrorDetails, key: str, where: str) -> ConfigError:
    """The error for a person who set `key` in `where`."""
    if detail["type"] == "extra_forbidden":
        return unknown(key, where)
    message = f"{key} (from {where}): {detail['msg']}; got {detail['input']!r}"
    return ConfigError(message, f"Allowed: {allowed_values(key)}.")


def unknown(key: str, where: str) -> ConfigError:
    """The error for a `key` that is no setting."""
    message = f"{key} (from {where}) is not a setting{_meant(key)}"
    return ConfigError(message, f"Allowed: {allowed_values(key)}.")


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) in (Union, UnionType):
        kinds = map(FieldInfo.from_annotation, get_args(field.annotation))
        return " or ".join(map(_allowed, kinds))
    return _kind(field) + _bounds(field)


def _kind(field: FieldInfo) -> str:
    if values := [value for value in get_args(field.annotation) if isinstance(value, str)]:
        if len(values) == 1:
            return f'"{values[0]}"'
        return "one of " + ", ".join(f'"{value}"' for value in values)
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return next((n for kind, n in names.items() if field.annotation is kind), "a list of texts")


def _bounds(field: FieldInfo) -> str:
    low = [f"at least {bound.ge}" for bound in field.metadata if isinstance(bound, Ge)]
    high = [f"at most {bound.le}" for bound in field.metadata if isinstance(bound, Le)]
    return "".join(f", {bound}" for bound in low + high)


def _meant(key: str) -> str:
    known = [f"{table}.{name}" for table, kind in tables().items() for name in kind.model_fields]
    close = get_close_matches(key, [*known, *tables()], n=1)
    return f"; did you mean {close[0]}?" if close else ""
