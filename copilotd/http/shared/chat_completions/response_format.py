"""The format that a request wants the answer to have."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class TextFormat(BaseModel):
    """Any text."""

    type: Literal["text"]


class ObjectFormat(BaseModel):
    """A JSON object; llama.cpp's clients can give its `schema`."""

    model_config = ConfigDict(frozen=True)

    type: Literal["json_object"]
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class NamedSchema(BaseModel):
    """A JSON schema with a name."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    strict: bool | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class SchemaFormat(BaseModel):
    """JSON that conforms to a schema."""

    model_config = ConfigDict(frozen=True)

    type: Literal["json_schema"]
    json_schema: NamedSchema


ResponseFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]

_ANY_OBJECT: Mapping[str, Any] = {"type": "object"}


def find_schema(
    response_format: TextFormat | ObjectFormat | SchemaFormat | None,
) -> Mapping[str, Any] | None:
    """The schema that the answer conforms to; None if any text is allowed."""
    match response_format:
        case SchemaFormat():
            return response_format.json_schema.schema_ or {}
        case ObjectFormat():
            return response_format.schema_ or _ANY_OBJECT
        case _:
            return None
