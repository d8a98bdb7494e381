"""Where settings come from, and which source wins.

A project file comes with a repository that the user may not trust: it can change answers
(`PROJECT_TABLES`), but nothing that downloads, listens or runs programs.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, SettingsError

from copilotd.config.error_text import explain_invalid_value
from copilotd.config.sections import Settings
from copilotd.errors import ConfigError

PROJECT_FILE = ".copilotd.toml"

PROJECT_TABLES: tuple[str, ...] = ("completion", "chat")
"""The tables that a project file may set."""

RELOADABLE: tuple[str, ...] = ("completion", "chat", "tools", "log")
"""The tables whose changes take effect in a running daemon; other tables need a restart."""

LOADS_A_MODEL: tuple[str, ...] = ("chat.model", "chat.draft", "chat.mmproj")
"""Settings in those tables that download and load a model: they need a restart, and a project
cannot set them."""

_FORBIDDEN_IN_PROJECTS: tuple[str, ...] = (*LOADS_A_MODEL, "chat.fetch_images")
"""Settings that a project cannot set, because they make the daemon download something."""

_CORRECT = "Correct the file, or move it away."

COMMAND_LINE = "the command line"
ENVIRONMENT = "the environment"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Layer:
    """The unchecked values of one source, nested like the file. `name` is for error messages."""

    name: str
    values: Mapping[str, Any]


def load(
    user_file: Path,
    project_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Load the settings; a missing file counts as empty.

    `overrides` (the command line) is nested like the file: `{"server": {"port": 8010}}`.

    Raises:
        ConfigError: a value is wrong; the text has the key, its source, and what is allowed.
    """
    settings, problems = load_leniently(user_file, project_file, overrides)
    if problems:
        raise problems[0]
    return settings


def load_leniently(
    user_file: Path,
    project_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Settings, list[ConfigError]]:
    """Load the settings with the default for each wrong value; return them and the errors."""
    layers, problems = read_layers(user_file, project_file, overrides)
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        merged = _merge(merged, layer.values)
    try:
        return Settings(**merged), problems
    except ValidationError as error:
        # A setting of several types has one error per type; the last one is the most useful.
        for key, detail in {_format_key(detail): detail for detail in error.errors()}.items():
            problems.append(explain_invalid_value(detail, key, find_origin(key, layers)))
            _remove(merged, key)
    return Settings(**merged), problems


def read_layers(
    user_file: Path,
    project_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[list[Layer], list[ConfigError]]:
    """Read all sources, strongest first; return them and the errors."""
    problems: list[ConfigError] = []
    layers = [Layer(COMMAND_LINE, overrides or {})]
    for read in (
        _read_environment,
        lambda: _read_project(project_file, problems),
        lambda: Layer(str(user_file), read_file(user_file)),
    ):
        try:
            layers.append(read())
        except ConfigError as error:
            problems.append(error)
    return layers, problems


def read_file(path: Path) -> dict[str, Any]:
    """Read a settings file without checking its values; empty if the file is missing.

    Raises:
        ConfigError: the file is not TOML, or cannot be read.
    """
    try:
        # TOML has no byte order mark, but editors on Windows write one.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except RecursionError as error:
        raise ConfigError(f"{path}: it is nested too deeply", _CORRECT) from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}", _CORRECT) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", _CORRECT) from error


def find_project_file(folder: Path) -> Path | None:
    """Return the nearest project file, in `folder` or above it; None if there is none."""
    candidates = (parent / PROJECT_FILE for parent in (folder, *folder.parents))
    return next((file for file in candidates if file.is_file()), None)


def find_origin(key: str, layers: Sequence[Layer]) -> str:
    """Return where `section.name` was set: a file, a variable, the command line, or `DEFAULT`."""
    path = key.split(".")
    name = next((layer.name for layer in layers if _has(layer.values, path)), DEFAULT)
    return "COPILOTD_" + "__".join(path).upper() if name == ENVIRONMENT else name


def _read_environment() -> Layer:
    try:
        return Layer(ENVIRONMENT, EnvSettingsSource(Settings)())
    except SettingsError as error:
        hint = "Write lists and tables as JSON, or unset the variable."
        raise ConfigError(f"{ENVIRONMENT} (COPILOTD_*): {error}", hint) from error


def _read_project(file: Path | None, problems: list[ConfigError]) -> Layer:
    values = read_file(file) if file else {}
    for key in _FORBIDDEN_IN_PROJECTS:
        if _has(values, key.split(".")):
            problems.append(_refuse_project_key(key, file))
            _remove(values, key)
    problems += [
        ConfigError(
            f"[{table}] (from {file}): a project cannot set this table",
            f"Allowed here: {', '.join(PROJECT_TABLES)}. Use your own file: copilotd config path.",
        )
        for table in values
        if table not in PROJECT_TABLES
    ]
    return Layer(str(file), {table: values[table] for table in PROJECT_TABLES if table in values})


def _refuse_project_key(key: str, file: Path | None) -> ConfigError:
    return ConfigError(
        f"{key} (from {file}): a project cannot set this",
        "Use your own file: copilotd config path.",
    )


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merge(old, value)
        else:
            result[key] = dict(value) if isinstance(value, Mapping) else value
    return result


def _format_key(detail: ErrorDetails) -> str:
    return ".".join(str(part) for part in detail["loc"][:2])


def _remove(values: dict[str, Any], key: str) -> None:
    section, _, name = key.partition(".")
    if name and isinstance(values.get(section), dict):
        values[section].pop(name, None)
    else:
        values.pop(section, None)


def _has(values: Mapping[str, Any], path: Sequence[str]) -> bool:
    inside: Any = values
    for part in path:
        if not isinstance(inside, Mapping) or part not in inside:
            return False
        inside = inside[part]
    return True
