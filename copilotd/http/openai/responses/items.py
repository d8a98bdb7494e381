"""The input of /v1/responses: the items of a conversation."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from copilotd.http.shared.fields import MessageContent, join_text_parts, parse_content


class InputPart(BaseModel):
    """A part of a content."""

    type: Literal["input_text", "output_text", "text"]
    text: str


_TEXT_TYPES = ("input_text", "output_text", "text")


def _join_text(content: Any) -> Any:
    return join_text_parts(content, "part", _TEXT_TYPES)


Content = Annotated[
    str, BeforeValidator(_join_text, json_schema_input_type=str | list[InputPart] | None)
]
"""Text, or a list of text parts; once parsed, always text."""


class ImagePart(BaseModel):
    """An image in a message."""

    type: Literal["input_image"]
    image_url: str
    """A data: URL that holds it in base64; http(s) only if chat.fetch_images is on."""


def _parse_content(content: Any) -> MessageContent:
    return parse_content(content, "input_image", _TEXT_TYPES)


ItemContent = Annotated[
    MessageContent,
    PlainValidator(_parse_content, json_schema_input_type=str | list[InputPart | ImagePart] | None),
]
"""Text, or a list of text and image parts; once parsed, always a `MessageContent`."""


class MessageItem(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    """Who speaks; developer means the same as system."""
    content: ItemContent
    """Text, or a list of text parts and, from a user, image parts."""

    @model_validator(mode="after")
    def _check_images(self) -> Self:
        if self.content.images and self.role != "user":
            raise PydanticCustomError("content", "images belong in messages of the user")
        return self


class CallItem(BaseModel):
    """A call that the model made earlier."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["function_call"]
    call_id: str
    """The id that the result of the call refers to."""
    name: str
    """The function."""
    arguments: str
    """A JSON object as text; copilotd repairs broken JSON, which models often write."""


class ResultItem(BaseModel):
    """The result of a call."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["function_call_output"]
    call_id: str
    """The id of the call."""
    output: Content
    """Text, or a list of text parts."""


class ReasoningItem(BaseModel):
    """The reasoning of another model; ignored."""

    type: Literal["reasoning"]


Item = MessageItem | CallItem | ResultItem | ReasoningItem


def _add_type(item: Any) -> Any:
    """The item with its type, which a message may omit."""
    if not isinstance(item, dict):
        return item
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind == "item_reference":
        raise PydanticCustomError(
            "item_reference", "refers to an item, but copilotd stores nothing; send the item itself"
        )
    return item | {"type": kind}


def _parse_items(value: Any) -> Any:
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


AnyItem = Annotated[
    Annotated[Item, Field(discriminator="type")],
    BeforeValidator(_add_type, json_schema_input_type=Item),
]

Items = Annotated[
    list[AnyItem],
    Field(min_length=1),
    BeforeValidator(_parse_items, json_schema_input_type=str | list[AnyItem]),
]
"""A question, or the items of a conversation; once parsed, always a list."""
