"""Where settings come from, and which source wins.

A project file comes with somebody's repository: it may shape answers (`PROJECT_TABLES`), and
nothing that downloads, listens or runs.
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
"""Tables that a project file may set."""

RELOADABLE: tuple[str, ...] = ("completion", "chat", "tools", "log")
"""Tables whose changes take effect in a running daemon; the others need a restart."""

LOADS_A_MODEL: tuple[str, ...] = ("chat.model", "chat.draft", "chat.mmproj")
"""Settings of those tables that download and load something: they need a restart all the same, and
no project can make them."""

_OWN: tuple[str, ...] = (*LOADS_A_MODEL, "chat.fetch_images")
"""What no project can set, for it would make the daemon fetch something."""

COMMAND_LINE = "the command line"
ENVIRONMENT = "the environment"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says, nested like the file and unchecked; `name` is for people."""

    name: str
    values: Mapping[str, Any]


def load(
    user_file: Path,
    project_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Resolve the settings; a missing file is an empty one.

    `overrides` (the command line) is nested like the file: `{"server": {"port": 8010}}`.

    Raises:
        ConfigError: names the key, where it was set, and what is allowed.
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
    """The same, with the default in place of each value that cannot be used, and what was wrong."""
    layers, problems = read_layers(user_file, project_file, overrides)
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        merged = _merged(merged, layer.values)
    try:
        return Settings(**merged), problems
    except ValidationError as error:
        # A setting of several types has an error for each; the last type says the most.
        for key, detail in {_key(detail): detail for detail in error.errors()}.items():
            problems.append(explain_invalid_value(detail, key, find_origin(key, layers)))
            _drop(merged, key)
    return Settings(**merged), problems


def read_layers(
    user_file: Path,
    project_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[list[Layer], list[ConfigError]]:
    """All sources, the strongest first, and what could not be read of them."""
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
    """The contents of a settings file, unchecked; empty if there is none.

    Raises:
        ConfigError: it is not TOML, or cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", "Correct the file, or move it away.") from error


def find_project_file(folder: Path) -> Path | None:
    """The nearest project file, in `folder` or above it."""
    candidates = (parent / PROJECT_FILE for parent in (folder, *folder.parents))
    return next((file for file in candidates if file.is_file()), None)


def find_origin(key: str, layers: Sequence[Layer]) -> str:
    """Where `section.name` was set: a file, a variable, the command line, or `DEFAULT`."""
    path = key.split(".")
    name = next((layer.name for layer in layers if _has(layer.values, path)), DEFAULT)
    return "COPILOTD_" + "__".join(path).upper() if name == ENVIRONMENT else name


def _read_environment() -> Layer:
    try:
        return Layer(ENVIRONMENT, EnvSettingsSource(Settings)())
    except SettingsError as error:
        hint = "Write lists and tables as JSON; unset what you do not need."
        raise ConfigError(f"{ENVIRONMENT} (COPILOTD_*): {error}", hint) from error


def _read_project(file: Path | None, problems: list[ConfigError]) -> Layer:
    values = read_file(file) if file else {}
    for key in _OWN:
        if _has(values, key.split(".")):
            problems.append(_not_for_projects(key, file))
            _drop(values, key)
    problems += [
        ConfigError(
            f"[{table}] (from {file}): a project cannot set this table",
            f"Allowed here: {', '.join(PROJECT_TABLES)}. Use your own file: copilotd config path.",
        )
        for table in values
        if table not in PROJECT_TABLES
    ]
    return Layer(str(file), {table: values[table] for table in PROJECT_TABLES if table in values})


def _not_for_projects(key: str, file: Path | None) -> ConfigError:
    return ConfigError(
        f"{key} (from {file}): a project cannot set this",
        "Use your own file: copilotd config path.",
    )


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(old, value)
        else:
            result[key] = dict(value) if isinstance(value, Mapping) else value
    return result


def _key(detail: ErrorDetails) -> str:
    return ".".join(str(part) for part in detail["loc"][:2])


def _drop(values: dict[str, Any], key: str) -> None:
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
