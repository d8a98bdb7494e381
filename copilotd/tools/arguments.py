"""The arguments of a tool call: their JSON schema, and their check against it."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from copilotd.tools.errors import ToolFailed

T = TypeVar("T", bound=msgspec.Struct)


def build_schema(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The JSON schema of `kind` for the model: one flat object, without the name of our class."""
    (_, components) = msgspec.json.schema_components([kind])
    return {k: v for k, v in components[kind.__name__].items() if k != "title"}


def parse_arguments(kind: type[T], arguments: Mapping[str, Any]) -> T:
    """Convert the arguments to a `kind`. Raises: ToolFailed, which names the mistake."""
    try:
        return msgspec.convert(dict(arguments), kind, strict=False)
    except msgspec.ValidationError as error:
        raise ToolFailed(f"Wrong arguments: {error}.") from error
