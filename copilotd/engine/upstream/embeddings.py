"""Embeddings, for which all servers have OpenAI's endpoint."""

from collections.abc import Sequence

import msgspec

from copilotd.engine.upstream.http_client import HttpClient


class _Embedding(msgspec.Struct):
    embedding: list[float]


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]


async def embeddings(server: HttpClient, texts: Sequence[str], model: str) -> list[list[float]]:
    """A vector for each of `texts`, as long as the server makes it.

    Raises: UpstreamFailed, EngineBusy, ContextOverflow; InvalidRequest if it makes none.
    """
    body = {"model": model, "input": list(texts)}
    answer = await server.post("/v1/embeddings", body, _Embeddings)
    return [one.embedding for one in answer.data]
