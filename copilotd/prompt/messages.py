"""The messages of a conversation, one type for each role.

The HTTP dialects and the LSP handlers convert to these types, and the chat template is rendered
from these types alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

IMAGE_PLACEHOLDER = "\ufdd1"
"""Marks the place of an image in a message; Unicode keeps this code point out of all text."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image file, or the `url` to fetch it from."""

    file: bytes = field(default=b"", repr=False)
    url: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model makes; `arguments` is a JSON object as text."""

    id: str
    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class SystemMessage:
    """Instructions for the whole conversation.

    Each IMAGE_PLACEHOLDER in `content` is the place of the next of `images`.
    """

    role: ClassVar[str] = "system"
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the user says.

    Each IMAGE_PLACEHOLDER in `content` is the place of the next of `images`.
    """

    role: ClassVar[str] = "user"
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """What the model said, then the tool calls it made."""

    role: ClassVar[str] = "assistant"
    content: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of the call with the id `call_id`; `name` is the tool, empty if unknown."""

    role: ClassVar[str] = "tool"
    content: str
    call_id: str
    name: str = ""


Message = SystemMessage | UserMessage | AssistantMessage | ToolResult


def list_images(messages: Sequence[Message]) -> list[Image]:
    """All images of the conversation, in order."""
    with_images = (m for m in messages if isinstance(m, SystemMessage | UserMessage))
    return [image for message in with_images for image in message.images]
