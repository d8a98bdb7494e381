"""Converts between the fields of /v1/embeddings and copilotd's values."""

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


def check_dimensions(body: EmbeddingBody, info: ModelInfo) -> None:
    """Check that the model's vectors have the number of dimensions that the request wants.

    Raises:
        InvalidRequest: they have another number.
    """
    if body.dimensions not in (None, info.n_embd):
        raise InvalidRequest(
            f"{info.name} has {info.n_embd} dimensions, not {body.dimensions}",
            "Leave dimensions out.",
        )


def build_embedding_list(body: EmbeddingBody, embeddings: Embeddings, model: str) -> EmbeddingList:
    """The whole response."""
    return EmbeddingList(
        data=[
            Embedding(index=i, embedding=_encode(body, vector))
            for i, vector in enumerate(embeddings.vectors)
        ],
        model=model,
        usage=EmbeddingUsage(prompt_tokens=embeddings.tokens, total_tokens=embeddings.tokens),
    )


def _encode(body: EmbeddingBody, vector: list[float]) -> list[float] | str:
    if body.encoding_format == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
