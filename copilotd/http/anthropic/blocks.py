"""What a message of Anthropic's consists of."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from copilotd.http.shared.fields import text_of
from copilotd.http.shared.images import of_base64, of_url
from copilotd.prompt.messages import Image


class TextBlock(BaseModel):
    """What is said."""

    model_config = ConfigDict(frozen=True)

    type: Literal["text"]
    text: str


def _lines(content: Any) -> Any:
    return text_of(content, "block", between="\n")


def _kind(block: Any) -> Any:
    return block.get("type") if isinstance(block, dict) else None


Text = Annotated[str, BeforeValidator(_lines, json_schema_input_type=str | list[TextBlock] | None)]
"""Text, or a list of text blocks; always text once it is read."""


class ToolUseBlock(BaseModel):
    """A call that the model makes."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["tool_use"]
    id: str
    """Its name, by which its result refers to it."""
    name: str
    """The tool."""
    input: dict[str, Any]
    """What it is called with."""


class ToolResultBlock(BaseModel):
    """What a call resulted in."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["tool_result"]
    tool_use_id: str
    """The call."""
    content: Text = ""
    """Text, or a list of text blocks."""
    is_error: bool = False
    """Whether the call failed; the model is told so."""


class ThinkingBlock(BaseModel):
    """What another model thought; ignored."""

    model_config = ConfigDict(frozen=True)

    type: Literal["thinking", "redacted_thinking"]


class FileSource(BaseModel):
    """An image that is sent along."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["base64"]
    media_type: str = ""
    """Ignored: the file says itself what it is."""
    data: str
    """The file in base64."""


class AddressSource(BaseModel):
    """An image that is elsewhere; fetched only if chat.fetch_images is on."""

    model_config = ConfigDict(frozen=True)

    type: Literal["url"]
    url: str


class ImageBlock(BaseModel):
    """An image that the user shows."""

    model_config = ConfigDict(frozen=True)

    type: Literal["image"]
    source: Annotated[FileSource | AddressSource, Field(discriminator="type")]

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        # Once here, so that a broken one is named with its place in the request.
        self.image()
        return self

    def image(self) -> Image:
        """The image itself."""
        if isinstance(self.source, FileSource):
            return of_base64(self.source.data)
        return of_url(self.source.url)


Block = TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock

_TAKEN = ("text", "image", "tool_use", "tool_result", "thinking", "redacted_thinking")


def _taken(block: Any) -> Any:
    kind = _kind(block)
    if kind not in _TAKEN:
        raise PydanticCustomError(
            "content_block",
            "takes text, image, tool_use and tool_result blocks only, not {kind}",
            {"kind": kind},
        )
    return block


def _blocks(value: Any) -> Any:
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


AnyBlock = Annotated[
    Annotated[Block, Field(discriminator="type")],
    BeforeValidator(_taken, json_schema_input_type=Block),
]

Content = Annotated[
    list[AnyBlock],
    BeforeValidator(_blocks, json_schema_input_type=str | list[AnyBlock]),
]
"""Text, or a list of blocks; always a list once it is read."""
