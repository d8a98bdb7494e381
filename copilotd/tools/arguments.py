"""The arguments of a call, checked; and the JSON schema that they are checked by."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from copilotd.tools.errors import ToolFailed

T = TypeVar("T", bound=msgspec.Struct)


def schema(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The JSON schema of a structure, as models are told it: flat, and without names of ours."""
    (_, components) = msgspec.json.schema_components([kind])
    return {k: v for k, v in components[kind.__name__].items() if k != "title"}


def read(kind: type[T], said: Mapping[str, Any]) -> T:
    """The arguments as a `kind`. Raises: ToolFailed that names what is wrong."""
    try:
        return msgspec.convert(dict(said), kind, strict=False)
    except msgspec.ValidationError as error:
        raise ToolFailed(f"Wrong arguments: {error}.") from error
