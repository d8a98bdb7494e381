"""What differs between two readings of the settings, and when that takes effect, in words."""

from collections.abc import Iterator

from copilotd.config.sections import Settings, list_tables
from copilotd.config.sources import LOADS_A_MODEL, RELOADABLE

LATER = " after copilotd restart"


def describe_changes(old: Settings, new: Settings) -> Iterator[str]:
    """A line for each table that changed, and one for each setting that is an exception in it."""
    for name in list_tables():
        exceptions = {key: getattr(getattr(new, name), key) for key in _exceptions(name)}
        before = getattr(old, name).model_copy(update=exceptions)
        if before != getattr(new, name):
            yield f"[{name}] changed, takes effect{'' if name in RELOADABLE else LATER}"
        for key, value in exceptions.items():
            if getattr(getattr(old, name), key) != value:
                yield f"{name}.{key} changed, takes effect{LATER}"


def _exceptions(table: str) -> list[str]:
    keys = (key.partition(".") for key in LOADS_A_MODEL)
    return [name for section, _, name in keys if section == table]
