"""Describes what changed in the settings, and when the change takes effect."""

from collections.abc import Iterator

from copilotd.config.sections import Settings, list_tables
from copilotd.config.sources import LOADS_A_MODEL, RELOADABLE

AFTER_RESTART = " after copilotd restart"


def describe_changes(old: Settings, new: Settings) -> Iterator[str]:
    """Yield a line for each changed table, and for each changed setting that needs a restart."""
    for name in list_tables():
        exceptions = {key: getattr(getattr(new, name), key) for key in _list_exceptions(name)}
        before = getattr(old, name).model_copy(update=exceptions)
        if before != getattr(new, name):
            yield f"[{name}] changed, takes effect{'' if name in RELOADABLE else AFTER_RESTART}"
        for key, value in exceptions.items():
            if getattr(getattr(old, name), key) != value:
                yield f"{name}.{key} changed, takes effect{AFTER_RESTART}"


def _list_exceptions(table: str) -> list[str]:
    keys = (key.partition(".") for key in LOADS_A_MODEL)
    return [name for section, _, name in keys if section == table]
