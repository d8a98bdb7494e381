"""The endpoints under /v1 that OpenAI's clients call."""

from fastapi import APIRouter

from copilotd.http.openai import chat, embeddings, models, responses

router = APIRouter()
for endpoint in (chat, responses, embeddings, models):
    router.include_router(endpoint.router)
