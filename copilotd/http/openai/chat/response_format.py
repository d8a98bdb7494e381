"""What form an answer is asked to have."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class TextFormat(BaseModel):
    """Any text."""

    type: Literal["text"]


class ObjectFormat(BaseModel):
    """A JSON object; `schema` says which, for llama.cpp's clients."""

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
    """JSON that keeps to a schema."""

    model_config = ConfigDict(frozen=True)

    type: Literal["json_schema"]
    json_schema: NamedSchema


ResponseFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]

_OBJECT: Mapping[str, Any] = {"type": "object"}


def schema_of(form: TextFormat | ObjectFormat | SchemaFormat | None) -> Mapping[str, Any] | None:
    """The schema that the answer keeps to; None if any text will do."""
    match form:
        case SchemaFormat():
            return form.json_schema.schema_ or {}
        case ObjectFormat():
            return form.schema_ or _OBJECT
        case _:
            return None
