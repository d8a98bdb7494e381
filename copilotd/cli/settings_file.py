"""The settings file as text: written for people, and edited without changing its comments."""

import tomllib
from pathlib import Path
from typing import Any, get_origin

import tomlkit
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from tomlkit.items import Table

from copilotd.config import Section, describe_allowed_values, is_secret, list_tables, read_file
from copilotd.config.error_text import explain_invalid_value, explain_unknown_key
from copilotd.errors import ConfigError
from copilotd.text_files import TextFile

SAMPLE_HEAD = """\
# The settings of copilotd, all at their defaults: remove the # before what you change.
# Your own file is at `copilotd config path`; a .copilotd.toml in a project may have the tables
# [completion] and [chat]. This text is printed by: copilotd config sample
"""


def render_sample() -> str:
    """Every setting with its meaning and its default, commented out."""
    return SAMPLE_HEAD + "".join(_sample_table(name, kind) for name, kind in list_tables().items())


def set_setting(file: Path, key: str, value: str) -> object:
    """Set `section.name` in `file`, which is created if missing; comments and order stay.

    Returns the validated value.

    Raises:
        ConfigError: no such setting, a value it does not accept, or a file that is not TOML.
    """
    parsed = _validate(key, value, file)
    read_file(file)
    existing = TextFile.read(file)
    document = tomlkit.parse(existing.text)
    table, _, name = key.partition(".")
    if table not in document:
        document[table] = tomlkit.table()
    section = document[table]
    if not isinstance(section, Table):
        raise ConfigError(f"{table} in {file} is not a table", f"Write it as [{table}].")
    section[name] = parsed
    # Only the owner may read a file that has a secret.
    existing.write(tomlkit.dumps(document), mode=0o600 if is_secret(key) else None)
    return parsed


def _validate(key: str, value: str, file: Path) -> object:
    table, _, name = key.partition(".")
    kind = list_tables().get(table, Section)
    if name not in kind.model_fields:
        raise explain_unknown_key(key, "the command line")
    parsed = _parse_value(kind.model_fields[name], value)
    try:
        return getattr(kind(**{name: parsed}), name)
    except ValidationError as error:
        raise explain_invalid_value(error.errors()[-1], key, "the command line") from None


def _parse_value(field: FieldInfo, value: str) -> Any:
    if field.annotation == list[str]:
        inside = value.strip().removeprefix("[").removesuffix("]")
        return [part.strip().strip("\"'") for part in inside.split(",") if part.strip()]
    if get_origin(field.annotation) is dict:
        return _parse_table(value)
    # The models parse numbers and switches as they parse environment variables.
    return value


def _parse_table(value: str) -> Any:
    """A table as inline TOML; any other value stays as it is, so that validation reports it."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return value


def _sample_table(name: str, kind: type[Section]) -> str:
    keys = kind.model_fields
    fields = "\n".join(_sample_field(f"{name}.{key}", keys[key]) for key in keys)
    return f"\n# {kind.__doc__}\n[{name}]\n{fields}"


def _sample_field(key: str, field: FieldInfo) -> str:
    lines = [*(field.description or "").splitlines(), f"Allowed: {describe_allowed_values(key)}."]
    meaning = "".join(f"# {line}\n" for line in lines)
    return f"{meaning}#{key.partition('.')[2]} = {_render_value(field.default)}\n"


def _render_value(value: object) -> str:
    return "{}" if value == {} else tomlkit.item(value).as_string()
