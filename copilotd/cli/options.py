"""The options of a start: read from the command line, handed to the daemon, read back from it.

Their form in between is the flags with their values, as text: `{"--port": "8010"}`.
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
"""Which setting each flag overrides."""

PROJECT = "--project"
"""The project file that applies as well; the daemon itself runs in no project."""

Options = Mapping[str, str]


def given(
    model: str | None, alias: str | None, n_ctx: int | None, host: str | None, port: int | None
) -> dict[str, str]:
    """The flags that were used. A model file is named by its whole path, wherever it is read."""
    if model is not None and Path(model).is_file():
        model = str(Path(model).resolve())
    values = zip(SETTINGS, (model, alias, n_ctx, host, port), strict=True)
    return {flag: str(value) for flag, value in values if value is not None}


def overrides(options: Options) -> dict[str, dict[str, str]]:
    """The settings that the options stand for, nested like the settings file."""
    nested: dict[str, dict[str, str]] = {}
    for flag, (table, key) in SETTINGS.items():
        if flag in options:
            nested.setdefault(table, {})[key] = options[flag]
    return nested


def arguments(options: Options) -> tuple[str, ...]:
    """The options as a command line."""
    return tuple(word for option in options.items() for word in option)


def parse(words: Sequence[str]) -> dict[str, str]:
    """The reverse of `arguments`."""
    return dict(zip(words[::2], words[1::2], strict=True))
