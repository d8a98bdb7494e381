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

from copilotd.http.shared.fields import Said, said_of, text_of


class InputPart(BaseModel):
    """A part of a content."""

    type: Literal["input_text", "output_text", "text"]
    text: str


_TEXTS = ("input_text", "output_text", "text")


def _joined(content: Any) -> Any:
    return text_of(content, "part", _TEXTS)


Content = Annotated[
    str, BeforeValidator(_joined, json_schema_input_type=str | list[InputPart] | None)
]
"""Text, or a list of text parts; always text once it is read."""


class ImagePart(BaseModel):
    """An image in what somebody said."""

    type: Literal["input_image"]
    image_url: str
    """A data: URL that holds it in base64; http(s) only if chat.fetch_images is on."""


def _read(content: Any) -> Said:
    return said_of(content, "input_image", _TEXTS)


Spoken = Annotated[
    Said,
    PlainValidator(_read, json_schema_input_type=str | list[InputPart | ImagePart] | None),
]
"""Text, or a list of parts of text and images."""


class MessageItem(BaseModel):
    """What somebody said."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    """Who speaks; developer is another word for system."""
    content: Spoken
    """What is said: text, or a list of parts of text and, of a user, images."""

    @model_validator(mode="after")
    def _only_users_show(self) -> Self:
        if self.content.images and self.role != "user":
            raise PydanticCustomError("content", "images belong in messages of the user")
        return self


class CallItem(BaseModel):
    """A call that the model made earlier."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["function_call"]
    call_id: str
    """Its name, by which its result refers to it."""
    name: str
    """The function."""
    arguments: str
    """A JSON object as text; broken text is mended, as models are wont to break it."""


class ResultItem(BaseModel):
    """What a call resulted in."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["function_call_output"]
    call_id: str
    """The call."""
    output: Content
    """Text, or a list of text parts."""


class ReasoningItem(BaseModel):
    """What another model thought; ignored."""

    type: Literal["reasoning"]


Item = MessageItem | CallItem | ResultItem | ReasoningItem


def _typed(item: Any) -> Any:
    """The item with its type, which a message may leave out."""
    if not isinstance(item, dict):
        return item
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind == "item_reference":
        raise PydanticCustomError(
            "item_reference", "refers to an item, but nothing is stored here; send the item itself"
        )
    return item | {"type": kind}


def _items(value: Any) -> Any:
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


AnyItem = Annotated[
    Annotated[Item, Field(discriminator="type")],
    BeforeValidator(_typed, json_schema_input_type=Item),
]

Items = Annotated[
    list[AnyItem],
    Field(min_length=1),
    BeforeValidator(_items, json_schema_input_type=str | list[AnyItem]),
]
"""A question, or the items of a conversation; always a list once it is read."""
