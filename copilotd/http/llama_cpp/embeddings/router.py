"""The endpoint, under its two names."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.completion.raw_text import Embeddings as Found
from copilotd.http.llama_cpp.embeddings.schema import EXAMPLES, Embedding, EmbeddingBody, Embeddings
from copilotd.http.llama_cpp.prompts import tokens_of
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import LLAMA_CPP_RESPONSES
from copilotd.serving.registry import ServedModel

router = APIRouter(tags=["llama.cpp"])


@router.post("/embeddings", include_in_schema=False)
@router.post("/embedding", summary="Turn texts into vectors", responses=LLAMA_CPP_RESPONSES)
async def embed(
    body: Annotated[EmbeddingBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> Embeddings:
    """One vector of unit length per input, from the model for embeddings."""
    found = await while_connected(request.receive, _found(body, services.models.embedding))
    return Embeddings(
        [Embedding(index=i, embedding=[vector]) for i, vector in enumerate(found.vectors)]
    )


async def _found(body: EmbeddingBody, model: ServedModel) -> Found:
    info = await model.text.info()
    inputs = [
        one
        if isinstance(one, str)
        else await tokens_of(model.engine, info, one, begin=False, special=False)
        for one in body.content
    ]
    return await model.text.embed(inputs)
