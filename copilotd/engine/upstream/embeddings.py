"""Embeddings. All servers have OpenAI's endpoint for them."""

from collections.abc import Sequence

import msgspec

from copilotd.engine.upstream.http_client import HttpClient


class _Embedding(msgspec.Struct):
    embedding: list[float]


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]


async def fetch_embeddings(http: HttpClient, texts: Sequence[str], model: str) -> list[list[float]]:
    """One vector per text, of whatever length the server returns.

    Raises: UpstreamFailed, EngineBusy, ContextOverflow; InvalidRequest if the server makes no
    embeddings.
    """
    body = {"model": model, "input": list(texts)}
    answer = await http.post("/v1/embeddings", body, _Embeddings)
    return [item.embedding for item in answer.data]
