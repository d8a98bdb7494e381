"""Error texts for settings: what a setting accepts, and what is wrong with a value."""

from difflib import get_close_matches
from types import UnionType
from typing import Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from copilotd.config.section import Section
from copilotd.config.sections import is_secret, list_tables
from copilotd.errors import ConfigError


def describe_allowed_values(key: str) -> str:
    """Describe the values that the setting `section.name` accepts."""
    section, _, name = key.partition(".")
    if section not in list_tables():
        return "the tables " + ", ".join(list_tables())
    fields = list_tables()[section].model_fields
    name, _, inside = name.partition(".")
    if name not in fields:
        return f"in [{section}] the keys {', '.join(fields)}"
    if inside and (entries := _find_entry_type(fields[name])):
        return f"in [{section}.{name}.NAME] the keys {', '.join(entries.model_fields)}"
    return _describe_field(fields[name])


def explain_invalid_value(detail: ErrorDetails, key: str, where: str) -> ConfigError:
    """Return the error for the value of `key`, which was set in `where`."""
    key = _extend_key(key, detail)
    if detail["type"] == "extra_forbidden":
        return explain_unknown_key(key, where)
    # The value is not shown if it may hold a password: an address, or a table such as headers.
    hidden = is_secret(key) or detail["type"] == "url" or isinstance(detail["input"], dict)
    got = "" if hidden else f"; got {detail['input']!r}"
    message = f"{key} (from {where}): {detail['msg']}{got}"
    return ConfigError(message, f"Allowed: {describe_allowed_values(key)}.")


def explain_unknown_key(key: str, where: str) -> ConfigError:
    """Return the error for a `key` that is not a setting."""
    message = f"{key} (from {where}) is not a setting{_suggest(key)}"
    return ConfigError(message, f"Allowed: {describe_allowed_values(key)}.")


def _extend_key(key: str, detail: ErrorDetails) -> str:
    """Return `key` with the path to the wrong value, for a setting that is a table."""
    section, _, name = key.partition(".")
    field = list_tables()[section].model_fields.get(name) if section in list_tables() else None
    inside = detail["loc"][2:] if field and get_origin(field.annotation) is dict else ()
    return ".".join((key, *map(str, inside)))


def _find_entry_type(field: FieldInfo) -> type[Section] | None:
    """Return the type of the entries of a setting that is a table of tables, else None."""
    kinds = get_args(field.annotation) if get_origin(field.annotation) is dict else ()
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)


def _describe_field(field: FieldInfo) -> str:
    if get_origin(field.annotation) in (Union, UnionType):
        kinds = map(FieldInfo.from_annotation, get_args(field.annotation))
        return " or ".join(map(_describe_field, kinds))
    return _describe_type(field) + _describe_bounds(field)


def _describe_type(field: FieldInfo) -> str:
    if values := [value for value in get_args(field.annotation) if isinstance(value, str)]:
        if len(values) == 1:
            return f'"{values[0]}"'
        return "one of " + ", ".join(f'"{value}"' for value in values)
    if get_origin(field.annotation) is dict:
        return "a table"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return next((n for kind, n in names.items() if field.annotation is kind), "a list of texts")


def _describe_bounds(field: FieldInfo) -> str:
    low = [f"at least {bound.ge}" for bound in field.metadata if isinstance(bound, Ge)]
    high = [f"at most {bound.le}" for bound in field.metadata if isinstance(bound, Le)]
    return "".join(f", {bound}" for bound in low + high)


def _suggest(key: str) -> str:
    known = [
        f"{table}.{name}" for table, kind in list_tables().items() for name in kind.model_fields
    ]
    close = get_close_matches(key, [*known, *list_tables()], n=1)
    return f"; did you mean {close[0]}?" if close and key.count(".") < 2 else ""
