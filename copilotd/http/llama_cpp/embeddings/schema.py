"""The request and the answer of /embedding."""

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, RootModel

from copilotd.http.llama_cpp.prompts import Prompts


class EmbeddingBody(BaseModel):
    """What to embed."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    content: Annotated[Prompts, Field(validation_alias=AliasChoices("content", "input"))]
    """A text, token ids, a list with both, or a list of such inputs."""


class Embedding(BaseModel):
    """The vector of one input, of unit length."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    index: int
    """The index of the input."""
    embedding: list[list[float]]
    """A list with one vector, like llama.cpp's server with pooling."""


class Embeddings(RootModel[list[Embedding]]):
    """One entry for each input."""


EXAMPLES: dict[str, Any] = {
    "texts": {
        "summary": "Two texts",
        "value": {"content": ["def add(a, b):", "def plus(x, y):"]},
    },
}
