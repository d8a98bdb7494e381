"""The route of /v1/embeddings."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.http.openai.embeddings import convert
from copilotd.http.openai.embeddings.schema import EXAMPLES, EmbeddingBody, EmbeddingList
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.error_bodies import RESPONSES

router = APIRouter(tags=["OpenAI"])


@router.post("/v1/embeddings", summary="Turn texts into vectors", responses=RESPONSES)
async def embed(
    body: Annotated[EmbeddingBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> EmbeddingList:
    """One vector of unit length for each input, from the embedding model or the named model."""
    model = services.models.for_embedding(body.model)
    convert.check_dimensions(body, await run_while_connected(request.receive, model.text.info()))
    embeddings = await run_while_connected(request.receive, model.text.embed(body.input))
    return convert.build_embedding_list(body, embeddings, model.alias)
