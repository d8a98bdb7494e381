"""The blocks of a message in Anthropic's format."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from copilotd.http.shared.fields import join_text_parts
from copilotd.http.shared.images import parse_image_base64, parse_image_url
from copilotd.prompt.messages import Image


class TextBlock(BaseModel):
    """Text of a message."""

    model_config = ConfigDict(frozen=True)

    type: Literal["text"]
    text: str


def _join_text(content: Any) -> Any:
    return join_text_parts(content, "block", separator="\n")


def _get_type(block: Any) -> Any:
    return block.get("type") if isinstance(block, dict) else None


Text = Annotated[
    str, BeforeValidator(_join_text, json_schema_input_type=str | list[TextBlock] | None)
]
"""Text, or a list of text blocks; once parsed, always text."""


class ToolUseBlock(BaseModel):
    """A call that the model makes."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["tool_use"]
    id: str
    """The id that the result of the call refers to."""
    name: str
    """The tool."""
    input: dict[str, Any]
    """The arguments."""


class ToolResultBlock(BaseModel):
    """The result of a call."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["tool_result"]
    tool_use_id: str
    """The id of the call."""
    content: Text = ""
    """Text, or a list of text blocks."""
    is_error: bool = False
    """Whether the call failed; the prompt tells the model."""


class ThinkingBlock(BaseModel):
    """The thinking of another model; ignored."""

    model_config = ConfigDict(frozen=True)

    type: Literal["thinking", "redacted_thinking"]


class FileSource(BaseModel):
    """An image in the request."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["base64"]
    media_type: str = ""
    """Ignored: the file itself shows its type."""
    data: str
    """The file in base64."""


class AddressSource(BaseModel):
    """The URL of an image; copilotd fetches it only if chat.fetch_images is on."""

    model_config = ConfigDict(frozen=True)

    type: Literal["url"]
    url: str


class ImageBlock(BaseModel):
    """An image from the user."""

    model_config = ConfigDict(frozen=True)

    type: Literal["image"]
    source: Annotated[FileSource | AddressSource, Field(discriminator="type")]

    @model_validator(mode="after")
    def _check_image(self) -> Self:
        # Parsed here too, so that the error message names the place of a broken image.
        self.image()
        return self

    def image(self) -> Image:
        """The image itself."""
        if isinstance(self.source, FileSource):
            return parse_image_base64(self.source.data)
        return parse_image_url(self.source.url)


Block = TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock

_TYPES = ("text", "image", "tool_use", "tool_result", "thinking", "redacted_thinking")


def _check_type(block: Any) -> Any:
    kind = _get_type(block)
    if kind not in _TYPES:
        raise PydanticCustomError(
            "content_block",
            "accepts text, image, tool_use and tool_result blocks only, not {kind}",
            {"kind": kind},
        )
    return block


def _parse_blocks(value: Any) -> Any:
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


AnyBlock = Annotated[
    Annotated[Block, Field(discriminator="type")],
    BeforeValidator(_check_type, json_schema_input_type=Block),
]

Content = Annotated[
    list[AnyBlock],
    BeforeValidator(_parse_blocks, json_schema_input_type=str | list[AnyBlock]),
]
"""Text, or a list of blocks; once parsed, always a list."""
