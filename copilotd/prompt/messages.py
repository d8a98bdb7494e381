"""The messages of a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

IMAGE = "\ufdd1"
"""Stands in a message where an image is; a code point that Unicode keeps out of all text."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image file, or the `url` from which it is to be fetched."""

    file: bytes = field(default=b"", repr=False)
    url: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model makes; `arguments` is a JSON object as text."""

    id: str
    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is system, user, assistant or tool.

    Each IMAGE in `content` is the place of the next of `images`.
    """

    role: str
    content: str
    extra: Mapping[str, object] = field(default_factory=dict)
    images: tuple[Image, ...] = ()
