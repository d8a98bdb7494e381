"""The options of `copilotd start`: parsed, passed to the daemon, and read back from it.

In between they are flags with text values: `{"--port": "8010"}`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

SETTINGS = {
    "--model": ("model", "name"),
    "--model-alias": ("model", "alias"),
    "--n-ctx": ("model", "n_ctx"),
    "--host": ("server", "host"),
    "--port": ("server", "port"),
}
"""The setting that each flag overrides."""

PROJECT = "--project"
"""The project file that also applies; the daemon itself runs in no project."""

Options = Mapping[str, str]


def collect_options(
    model: str | None, alias: str | None, n_ctx: int | None, host: str | None, port: int | None
) -> dict[str, str]:
    """The given flags. A model file gets its absolute path, because the daemon runs elsewhere."""
    if model is not None and Path(model).is_file():
        model = str(Path(model).resolve())
    values = zip(SETTINGS, (model, alias, n_ctx, host, port), strict=True)
    return {flag: str(value) for flag, value in values if value is not None}


def to_settings(options: Options) -> dict[str, dict[str, str]]:
    """The settings of the options, nested as in the settings file."""
    nested: dict[str, dict[str, str]] = {}
    for flag, (table, key) in SETTINGS.items():
        if flag in options:
            nested.setdefault(table, {})[key] = options[flag]
    return nested


def to_arguments(options: Options) -> tuple[str, ...]:
    """The options as a command line."""
    return tuple(word for option in options.items() for word in option)


def parse_arguments(words: Sequence[str]) -> dict[str, str]:
    """The reverse of `arguments`."""
    return dict(zip(words[::2], words[1::2], strict=True))
