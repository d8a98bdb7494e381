"""The route of /embedding, under its two names."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.completion.raw_text import Embeddings as Vectors
from copilotd.http.llama_cpp.embeddings.schema import EXAMPLES, Embedding, EmbeddingBody, Embeddings
from copilotd.http.llama_cpp.errors import RESPONSES
from copilotd.http.llama_cpp.prompts import tokenize_prompt
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.serving.registry import ServedModel

router = APIRouter(tags=["llama.cpp"])


@router.post("/embeddings", include_in_schema=False)
@router.post("/embedding", summary="Turn texts into vectors", responses=RESPONSES)
async def embed(
    body: Annotated[EmbeddingBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> Embeddings:
    """One vector of unit length for each input, from the embedding model."""
    embedded = await run_while_connected(request.receive, _embed(body, services.models.embedding))
    return Embeddings(
        [Embedding(index=i, embedding=[vector]) for i, vector in enumerate(embedded.vectors)]
    )


async def _embed(body: EmbeddingBody, model: ServedModel) -> Vectors:
    info = await model.text.info()
    inputs = [
        one
        if isinstance(one, str)
        else await tokenize_prompt(model.engine, info, one, add_bos=False, special=False)
        for one in body.content
    ]
    return await model.text.embed(inputs)
