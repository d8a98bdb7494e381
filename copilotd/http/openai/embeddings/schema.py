"""The request and the response of /v1/embeddings."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from copilotd.http.shared.fields import Texts, Tokens
from copilotd.http.shared.generation import Body


class EmbeddingBody(Body):
    """The texts to embed, and the encoding of the vectors."""

    input: Texts
    """The text, or several of them."""
    encoding_format: Literal["float", "base64"] = "float"
    """Vectors as lists of numbers, or as base64 of little-endian 32-bit floats."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Must be the model's own number; vectors are never shortened."""

    @field_validator("input")
    @classmethod
    def _check_not_empty(cls, texts: list[str | Tokens]) -> list[str | Tokens]:
        if "" in texts:
            raise PydanticCustomError("empty_input", "should not contain an empty string")
        return texts


class Embedding(BaseModel):
    """The vector of one input, of unit length."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    object: Literal["embedding"] = "embedding"
    index: int
    """The index of the input."""
    embedding: list[float] | str
    """The numbers, or their base64."""


class EmbeddingUsage(BaseModel):
    """What the request cost, in tokens."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """One vector for each input, in the order of the inputs."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


EXAMPLES: dict[str, Any] = {
    "text": {
        "summary": "One text",
        "value": {"input": "The food was delicious and the waiter..."},
    },
    "texts": {
        "summary": "Several texts, compactly",
        "value": {"input": ["def add(a, b):", "def plus(x, y):"], "encoding_format": "base64"},
    },
}
