"""Between the embeddings endpoint's fields and our values."""

import base64
import struct

from copilotd.completion.raw_text import Embeddings
from copilotd.engine.types import ModelInfo
from copilotd.errors import InvalidRequest
from copilotd.http.openai.embeddings.schema import (
    Embedding,
    EmbeddingBody,
    EmbeddingList,
    EmbeddingUsage,
)


def check(body: EmbeddingBody, info: ModelInfo) -> None:
    """Make sure that the model's vectors are what was asked for.

    Raises:
        InvalidRequest: another number of dimensions.
    """
    if body.dimensions not in (None, info.n_embd):
        raise InvalidRequest(
            f"{info.name} has {info.n_embd} dimensions, not {body.dimensions}",
            "Leave dimensions out.",
        )


def embedding_list(body: EmbeddingBody, found: Embeddings, model: str) -> EmbeddingList:
    """The whole answer."""
    return EmbeddingList(
        data=[
            Embedding(index=i, embedding=_written(body, vector))
            for i, vector in enumerate(found.vectors)
        ],
        model=model,
        usage=EmbeddingUsage(prompt_tokens=found.tokens, total_tokens=found.tokens),
    )


def _written(body: EmbeddingBody, vector: list[float]) -> list[float] | str:
    if body.encoding_format == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
